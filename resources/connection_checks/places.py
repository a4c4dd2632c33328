"""Limits on how many resource checks this process runs at once: for one organisation, and for all.

A check waits up to five seconds for somebody else's server, in a thread of a web process. There are places, so that
servers that are down cannot take the threads from everybody: those of an organisation (`resourceChecks` of its
limits), and MAX_CHECK_THREADS for all together. Each web process counts by itself, so a lost process leaves nothing
behind.
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
    """All places are taken: try again after `retry_after` seconds."""

    code = "too_many_checks"
    retry_after = RETRY_AFTER_SECONDS


@contextmanager
def place_of(team_id: UUID) -> Iterator[None]:
    """Hold a place for one check of the team's organisation; raise TooManyChecks if none is free."""
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
                f"The organisation already has {most} checks in progress, the most allowed. Try again soon."
            )
        if _taken.total() >= settings.MAX_CHECK_THREADS:
            raise TooManyChecks("There are already as many checks in progress as allowed. Try again soon.")
        _taken[organisation_id] += 1


def _give_back(organisation_id: UUID) -> None:
    with _lock:
        _taken[organisation_id] -= 1
        if not _taken[organisation_id]:
            del _taken[organisation_id]
