"""Finds the steps that lost their worker and takes them back, in threads of its own in every worker process.

A worker that is lost is found within a lease, half a second, and what a busy machine adds. So the thread that looks
only takes, in one statement, and another settles what was taken: it publishes, which a broker may take seconds to
refuse, and meets rows that a frozen worker holds in an open transaction. What was taken is under a lease like any
running step: whoever dies with it is found in turn.

After an outage, or a jump of the database's clock, all leases look over: then the workers renew theirs first.
"""

from __future__ import annotations

import logging
import queue
import time
from contextlib import ExitStack
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from executions import statements
from executions.engine.recovery import take_back
from executions.in_process.leases import leases, me
from executions.in_process.loops import Loop, alone
from executions.in_process.timers import timers
from executions.models import ExecutionStep
from executions.statements.database.locks import lock_timeout

logger = logging.getLogger(__name__)

#: The pause between two looks, in seconds.
LOOK_SECONDS = 0.5
#: How many steps one look takes: other workers settle the rest.
BATCH = 32
#: How long the settler waits for a lock, in milliseconds; then the step's lease ends, and it is taken again.
LOCK_MS = 300
#: A clock that goes on by more than this too far, or too little, was set; in seconds.
JUMP_SECONDS = 1.0


@dataclass(frozen=True)
class Reading:
    """The database's clock (seconds since the epoch) between two monotonic times, and whether a lease was over."""

    before: float
    database: float
    after: float
    any_lost: bool

    def jump(self, earlier: Reading) -> float:
        """Return how far the database's clock was set since the earlier reading, in seconds, at least.

        When it was read within the call nobody knows: only what lies outside of both calls counts.
        """
        went = self.database - earlier.database
        longest, shortest = self.after - earlier.before, self.before - earlier.after
        return max(went - longest, 0.0) + min(went - shortest, 0.0)


class Rescuer:
    """Takes and settles in two threads of a worker process."""

    def __init__(self) -> None:
        """Start stopped."""
        self._looking = Loop("rescuer", self.look)
        self._settling = Loop("settler", self._settle_and_rest)
        #: What was taken, each with the lease that ends when it is settled.
        self._taken: queue.SimpleQueue[tuple[ExecutionStep, ExitStack]] = queue.SimpleQueue()
        #: Nothing is taken back before this (monotonic).
        self._patient_until = 0.0
        self._earlier: Reading | None = None

    def start(self) -> None:
        """Start the threads, once a process."""
        self._looking.start()
        self._settling.start()

    def look(self) -> float:
        """Take steps that lost their worker; returns how many seconds to sleep.

        Raises DatabaseError and InterfaceError where the database is away.
        """
        try:
            reading = read()
            self.notice(reading)
            wanted = reading.any_lost and time.monotonic() >= self._patient_until
            taken = self._take() if wanted else []
        except (DatabaseError, InterfaceError):
            self.be_patient()
            raise
        for step in taken:
            logger.warning("step %s of execution %s lost its worker", step.name, step.execution_id)
            lease = ExitStack()
            lease.enter_context(leases.holding(step))
            self._taken.put((step, lease))
        return LOOK_SECONDS

    def _take(self) -> list[ExecutionStep]:
        """Take what is lost; nothing where that took so long (SQLite was locked) that nobody could renew a lease."""
        began = time.monotonic()
        with transaction.atomic():
            taken = statements.leases.take_lost(BATCH, me())
            if not self._is_late(time.monotonic() - began):
                return taken
            transaction.set_rollback(True)
        self.be_patient()
        return []

    def settle(self) -> float:
        """Settle one of the steps that were taken, once there is one; returns how many seconds to sleep."""
        step, lease = self._taken.get()
        with lease, lock_timeout(LOCK_MS):
            alone(take_back, step)
        return 0.0

    def _settle_and_rest(self) -> float:
        try:
            return self.settle()
        finally:
            if self.is_idle:
                connection.close()  # back to the pool: the next one may come in days

    @property
    def is_idle(self) -> bool:
        """Whether all that was taken is settled, or about to be."""
        return self._taken.empty()

    def notice(self, reading: Reading) -> None:
        """Be patient where the database answered late (all workers may have lost it), or its clock was set."""
        earlier, self._earlier = self._earlier, reading
        jump = reading.jump(earlier) if earlier else 0.0
        if jump < -JUMP_SECONDS:
            statements.leases.shorten()
            timers.insist()
        if abs(jump) > JUMP_SECONDS:
            logger.warning("the database's clock was set by %.1f s", jump)
            self.be_patient()
        elif self._is_late(reading.after - reading.before):
            self.be_patient()

    @staticmethod
    def _is_late(seconds: float) -> bool:
        return seconds > settings.ENGINE_LEASE_SECONDS / 2

    def be_patient(self) -> None:
        """Take nothing back for a lease's time: whoever is alive renews theirs meanwhile."""
        self._patient_until = time.monotonic() + settings.ENGINE_LEASE_SECONDS


def read() -> Reading:
    """Ask the database for its time, and whether a lease is over."""
    before = time.monotonic()
    database, any_lost = statements.leases.read_clock()
    return Reading(before, database, time.monotonic(), any_lost)


rescuer = Rescuer()
