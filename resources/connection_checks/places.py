"""How many resource checks this process carries out at once: of one organisation, and of all.

A check waits up to five seconds for somebody else's server, in a thread of a web process. So that nobody's servers that
are away take the threads from everybody, there are places: an organisation's (`resourceChecks` of its limits), and
MAX_CHECK_THREADS for all together. Each web process counts by itself: nothing is left behind by one that is lost.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings

from resources.limits.effective import grant_of_team

#: A check takes no longer than this, so by then a place is free.
RETRY_AFTER_SECONDS = 5

_lock = threading.Lock()
_taken: Counter[UUID] = Counter()


class TooManyChecks(Exception):
    """As many checks are under way as there may be: come back after `retry_after` seconds."""

    code = "too_many_checks"
    retry_after = RETRY_AFTER_SECONDS


@contextmanager
def place_of(team_id: UUID) -> Iterator[None]:
    """Hold a place for one check of the team's organisation; raise TooManyChecks where none is free."""
    grant = grant_of_team(team_id)
    _take(grant.organisation_id, grant.limits.resource_checks)
    try:
        yield
    finally:
        _give_back(grant.organisation_id)


def _take(organisation_id: UUID, most: int) -> None:
    with _lock:
        if _taken[organisation_id] >= most:
            raise TooManyChecks(
                f"The organisation has {most} checks under way, as many as it may: try again soon."
            )
        if _taken.total() >= settings.MAX_CHECK_THREADS:
            raise TooManyChecks("As many checks are under way as there may be: try again soon.")
        _taken[organisation_id] += 1


def _give_back(organisation_id: UUID) -> None:
    with _lock:
        _taken[organisation_id] -= 1
        if not _taken[organisation_id]:
            del _taken[organisation_id]
