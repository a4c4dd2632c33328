"""What the loser of a race is told: who wanted to change what somebody else deleted or changed at the same moment.

Views look up what a request is about, and services look again once they hold it. What they raise then arises in many
places, and is answered in one: 404 where it is gone, 409 where the two cannot both be.
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
        """How loud the log is: a conflict that services do not know by name is worth a look."""
        return logging.INFO if self.status == 404 else logging.WARNING


GONE = Loss(404, "not_found", "Not found: it may have been deleted a moment ago.")
IN_USE = Loss(409, "conflict", "It is still in use.")
OVERTAKEN = Loss(409, "conflict", "Something else was changed at the same moment: look, and try again.")


def loss_of(exception: BaseException) -> Loss | None:
    """Return what to tell; None where the exception is not about a race."""
    if isinstance(exception, ObjectDoesNotExist):
        return GONE
    if isinstance(exception, ProtectedError | RestrictedError):
        return IN_USE
    if isinstance(exception, Overtaken):
        return replace(OVERTAKEN, detail=str(exception))
    # SQLite that is locked for longer than writers wait is an outage (`outages`): nobody came first.
    is_contended = is_conflict(exception) and "locked" not in str(exception)
    return OVERTAKEN if is_contended or is_overtaken(exception) else None
