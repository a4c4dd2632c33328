"""Finds the steps whose worker was lost (their lease has expired) and recovers them, in two threads of every worker.

A lost worker must be found within a lease, half a second, and what a busy machine adds. So one thread only takes over
the steps, in one statement. The other recovers them: it publishes, which may take seconds where the broker is away, and
it may meet rows that a frozen worker locks in an open transaction. A step that was taken over has a lease like any
running step: if this worker is lost as well, another one finds the step.

After an outage, or when the database's clock was set, every lease looks expired. Then nothing is taken over until the
living workers have had time to renew their leases.
"""

from __future__ import annotations

import logging
import queue
import time
from contextlib import ExitStack
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from executions import statements
from executions.engine.recovery import recover_step
from executions.models import ExecutionStep
from executions.runtime.background_thread import BackgroundThread
from executions.runtime.leases import leases, me
from executions.runtime.timers import timers
from executions.statements.database.locks import lock_timeout
from executions.worker.row_errors import handle_row

logger = logging.getLogger(__name__)

#: The pause between two checks, in seconds.
CHECK_SECONDS = 0.5
#: How many steps one check takes over: other workers recover the rest.
BATCH = 32
#: How long a recovery waits for a lock, in milliseconds. Then the step's lease expires, and it is taken over again.
LOCK_MS = 300
#: The database's clock was set if it is off by more than this between two checks, in seconds.
JUMP_SECONDS = 1.0


@dataclass(frozen=True)
class Reading:
    """The database's clock (seconds since the epoch) between two monotonic times, and whether a lease has expired."""

    before: float
    database: float
    after: float
    any_lost: bool

    def jump(self, earlier: Reading) -> float:
        """Return how far the database's clock was set since the earlier reading, at least, in seconds.

        When exactly within the call it was read is unknown, so only the time outside of both calls counts.
        """
        went = self.database - earlier.database
        longest, shortest = self.after - earlier.before, self.before - earlier.after
        return max(went - longest, 0.0) + min(went - shortest, 0.0)


class LostStepFinder:
    """Takes over the steps of lost workers, and recovers them, in two threads of a worker process."""

    def __init__(self) -> None:
        """Start stopped."""
        self._finding = BackgroundThread("lost-steps", self.find)
        self._recovering = BackgroundThread("step-recovery", self.recover_next)
        #: The steps that were taken over, each with the lease that ends when it is recovered.
        self._taken: queue.SimpleQueue[tuple[ExecutionStep, ExitStack]] = queue.SimpleQueue()
        #: No step is taken over before this (monotonic).
        self._wait_until = 0.0
        self._earlier: Reading | None = None

    def start(self) -> None:
        """Start the threads, once a process."""
        self._finding.start()
        self._recovering.start()

    def find(self) -> float:
        """Take over steps whose worker was lost; returns the seconds until the next check.

        Raises DatabaseError or InterfaceError where the database is away.
        """
        try:
            reading = read()
            self.check_clock(reading)
            wanted = reading.any_lost and time.monotonic() >= self._wait_until
            taken = self._take() if wanted else []
        except (DatabaseError, InterfaceError):
            self.wait_a_lease()
            raise
        for step in taken:
            logger.warning("the worker of step %s of execution %s was lost", step.name, step.execution_id)
            lease = ExitStack()
            lease.enter_context(leases.holding(step))
            self._taken.put((step, lease))
            self._recovering.wake()
        return CHECK_SECONDS

    def _take(self) -> list[ExecutionStep]:
        """Take over lost steps; none if that took so long (SQLite was locked) that no worker could renew a lease."""
        began = time.monotonic()
        with transaction.atomic():
            taken = statements.leases.take_lost(BATCH, me())
            if not self._is_late(time.monotonic() - began):
                return taken
            transaction.set_rollback(True)
        self.wait_a_lease()
        return []

    def recover_next(self) -> float | None:
        """Recover one of the steps that were taken over; returns 0, or None where there is none."""
        if self.is_idle:
            return None
        step, lease = self._taken.get()
        with lease, lock_timeout(LOCK_MS):
            handle_row(recover_step, step)
        return 0.0

    @property
    def is_idle(self) -> bool:
        """Whether every step that was taken over is recovered, or about to be."""
        return self._taken.empty()

    def check_clock(self, reading: Reading) -> None:
        """Wait where the database answered late (all workers may have lost it), or where its clock was set."""
        earlier, self._earlier = self._earlier, reading
        jump = reading.jump(earlier) if earlier else 0.0
        if jump < -JUMP_SECONDS:
            statements.leases.shorten()
            timers.use_own_clock()
        if abs(jump) > JUMP_SECONDS:
            logger.warning("the database's clock was set by %.1f s", jump)
            self.wait_a_lease()
        elif self._is_late(reading.after - reading.before):
            self.wait_a_lease()

    @staticmethod
    def _is_late(seconds: float) -> bool:
        return seconds > settings.ENGINE_LEASE_SECONDS / 2

    def wait_a_lease(self) -> None:
        """Take over nothing for the time of a lease: the living workers renew theirs meanwhile."""
        self._wait_until = time.monotonic() + settings.ENGINE_LEASE_SECONDS


def read() -> Reading:
    """Ask the database for its time, and whether a lease has expired."""
    before = time.monotonic()
    database, any_lost = statements.leases.read_clock()
    return Reading(before, database, time.monotonic(), any_lost)


lost_step_finder = LostStepFinder()
