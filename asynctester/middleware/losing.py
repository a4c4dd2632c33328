"""The answer for the loser of a race: a request that wanted to change what another one has just deleted or changed.

Views look up the object of a request, and services look again once they have locked it. Their exceptions arise in
many places and are answered in one: 404 if the object is gone, 409 if the two changes conflict.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import ProtectedError, RestrictedError

from accounts.transactions import Overtaken, is_conflict, is_overtaken


@dataclass(frozen=True)
class Loss:
    """The status, the code and the words of the answer."""

    status: int
    code: str
    detail: str

    @property
    def level(self) -> int:
        """The log level: a conflict that services do not know by name deserves attention."""
        return logging.INFO if self.status == 404 else logging.WARNING


GONE = Loss(404, "not_found", "Not found: it may have been deleted a moment ago.")
IN_USE = Loss(409, "conflict", "It is still in use.")
OVERTAKEN = Loss(
    409, "conflict", "Somebody changed something else at the same moment. Check it and try again."
)


def loss_of(exception: BaseException) -> Loss | None:
    """Return the answer; None if the exception is not about a race."""
    if isinstance(exception, ObjectDoesNotExist):
        return GONE
    if isinstance(exception, ProtectedError | RestrictedError):
        return IN_USE
    if isinstance(exception, Overtaken):
        return replace(OVERTAKEN, detail=str(exception))
    # SQLite that is locked for longer than writers wait is an outage (`outages`): nobody came first.
    is_contended = is_conflict(exception) and "locked" not in str(exception)
    return OVERTAKEN if is_contended or is_overtaken(exception) else None
