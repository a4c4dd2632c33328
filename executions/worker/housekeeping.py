"""Housekeeping: about once an hour, one worker of all removes the data that is too old to be kept.

It is slow on purpose. After each batch it rests longer than the batch took, so that the steps which run beside it are
hardly slowed down.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from django.conf import settings

from accounts.services import housekeeping
from executions.retention.purge import purge
from executions.runtime.background_thread import BackgroundThread
from executions.worker.job_lease import JobLease, take_lease

logger = logging.getLogger(__name__)

JOB = "housekeeping"
#: A rest is this many times as long as the batch before it, and no longer than LONGEST_REST seconds.
REST = 3.0
LONGEST_REST = 2.0
#: The lease is renewed this often, in seconds.
RENEW_SECONDS = 10.0
#: How many times within the period a worker checks whether the job is due.
CHECKS = 30
#: The pause after housekeeping failed, in seconds.
RETRY_SECONDS = 60.0


class Pace:
    """The `go_on` of housekeeping: rests, renews the lease, and is False once the lease is lost or the worker ends."""

    def __init__(self, lease: JobLease, stop: threading.Event, *, rest: float = REST) -> None:
        """Start with a lease that was just taken."""
        self._lease, self._stop, self._rest = lease, stop, rest
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
        return self._lease.renew()


class Housekeeper:
    """The housekeeping thread of a worker process."""

    def __init__(self) -> None:
        """Start stopped."""
        self._thread = BackgroundThread(
            "housekeeping", self._work, first_pause=_seconds_between_checks(), retry_seconds=RETRY_SECONDS
        )

    def start(self) -> None:
        """Start the thread; HOUSEKEEPING_SECONDS 0 leaves the job to `manage.py purge_executions`."""
        if settings.HOUSEKEEPING_SECONDS:
            self._thread.start()

    def stop(self) -> None:
        """End the thread after the batch that is under way. Signal handlers may call this."""
        self._thread.stop()

    def _work(self) -> float:
        keep_house(stop=self._thread.stopping)
        return _seconds_between_checks()


def _seconds_between_checks() -> float:
    return max(1.0, float(settings.HOUSEKEEPING_SECONDS) / CHECKS)


def keep_house(
    *, stop: threading.Event, even_early: bool = False, rest: float = REST
) -> dict[str, int] | None:
    """Do the job if it is due and no other worker does it; returns how many rows of each kind it removed, or None."""
    lease = take_lease(JOB, even_early=even_early)
    if lease is None:
        return None
    pace = Pace(lease, stop, rest=rest)
    did = {**purge(go_on=pace), **housekeeping.tidy(go_on=pace)}
    if stop.is_set():
        lease.release()
    else:
        lease.finish(every=timedelta(seconds=settings.HOUSEKEEPING_SECONDS), did=did)
    logger.info("housekeeping: %s", ", ".join(f"{count} {kind}" for kind, count in did.items()))
    return did


housekeeper = Housekeeper()
