"""The thread that removes, about once an hour, what is kept no longer; one of all workers does it.

It is slow on purpose: after each portion it rests longer than the portion took, so that the steps which run beside it
hardly notice.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from datetime import timedelta

from django.conf import settings
from django.db import connection

from accounts.services import housekeeping
from executions.retention import purge as retention
from executions.worker import job_lease as chores

logger = logging.getLogger(__name__)

CHORE = "housekeeping"
#: A rest is so many times as long as the portion before it, and at most so many seconds.
REST = 3.0
LONGEST_REST = 2.0
#: The lease is renewed this often, in seconds.
RENEW_SECONDS = 10.0
#: How many times a thread asks within the period whether the work is due.
LOOKS = 30


class Pace:
    """What `go_on` is: rests, keeps the lease, and says no once the lease is lost or the process is to end."""

    def __init__(self, held: chores.Held, stop: threading.Event, *, rest: float = REST) -> None:
        """Start with a lease just taken."""
        self._held, self._stop, self._rest = held, stop, rest
        self._worked_since = self._renewed_at = time.monotonic()

    def __call__(self) -> bool:
        """Rest, and return whether to go on."""
        worked = time.monotonic() - self._worked_since
        if self._stop.wait(min(LONGEST_REST, worked * self._rest)):
            return False
        self._worked_since = time.monotonic()
        if self._worked_since - self._renewed_at < RENEW_SECONDS:
            return True
        self._renewed_at = self._worked_since
        return self._held.renew()


class Housekeeper:
    """The thread of a worker process."""

    def __init__(self) -> None:
        """Start stopped."""
        self._stop = threading.Event()
        self._pid = 0

    def start(self) -> None:
        """Start the thread, once a process; HOUSEKEEPING_SECONDS 0 leaves the work to `manage.py purge_executions`."""
        if settings.HOUSEKEEPING_SECONDS and self._pid != os.getpid():
            self._pid = os.getpid()
            threading.Thread(target=self._run, name="housekeeper", daemon=True).start()

    def stop(self) -> None:
        """End the thread after the portion that runs."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(max(1.0, settings.HOUSEKEEPING_SECONDS / LOOKS)):
            try:
                keep_house(stop=self._stop)
            except Exception:  # a thread that ended would leave the work to nobody
                logger.exception("housekeeping failed")
            connection.close()  # back to the pool for the next minutes


def keep_house(
    *, stop: threading.Event, even_early: bool = False, rest: float = REST
) -> dict[str, int] | None:
    """Do the work where it is due and nobody else is at it; returns how many rows of each kind are gone, or None."""
    held = chores.take(CHORE, even_early=even_early)
    if held is None:
        return None
    pace = Pace(held, stop, rest=rest)
    did = {**retention.purge(go_on=pace), **housekeeping.tidy(go_on=pace)}
    if stop.is_set():
        held.let_go()
    else:
        held.finish(every=timedelta(seconds=settings.HOUSEKEEPING_SECONDS), did=did)
    logger.info("housekeeping: %s", ", ".join(f"{count} {kind}" for kind, count in did.items()))
    return did


housekeeper = Housekeeper()
