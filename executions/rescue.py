"""Finds the steps that lost their worker and takes them back, in a thread of its own in every worker process.

A worker that is lost is found within a lease, half a second, and what a busy machine adds. So nothing that takes its
time is done here: what is to be published goes to another thread, for a broker may take seconds to refuse it, and a row
that a frozen worker holds in an open transaction is left for the next look.

After an outage, or a jump of the database's clock, all leases look over: then the workers renew theirs first.
"""

from __future__ import annotations

import logging
import queue
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from executions import chain, moves
from executions.leases import leases, me
from executions.loops import Loop, alone
from executions.recovery import take_back
from executions.sql import STEP, epoch_sql, impatient, now_sql

logger = logging.getLogger(__name__)

#: The pause between two looks, in seconds.
LOOK_SECONDS = 0.5
#: How many steps are taken at once; other workers take the rest.
BATCH = 16
#: How long a lock is waited for, in milliseconds.
LOCK_MS = 300
#: A clock that goes on by more than this too far, or too little, was set; in seconds.
JUMP_SECONDS = 1.0

#: Execution, positions, whether the execution is to begin.
Letter = tuple[uuid.UUID, Sequence[int | None], bool]


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
    """The rescuing thread of a worker process, and the one that publishes for it."""

    def __init__(self) -> None:
        """Start stopped."""
        self._loop = Loop("rescuer", self._look_only)
        self._courier = Loop("rescue courier", self._deliver)
        self._letters: queue.SimpleQueue[Letter] = queue.SimpleQueue()
        #: Nothing is taken back before this (monotonic).
        self._patient_until = 0.0
        self._earlier: Reading | None = None

    def start(self) -> None:
        """Start the threads, once a process."""
        self._loop.start()
        self._courier.start()

    def look(self) -> float:
        """Take back a few steps that lost their worker; returns how many seconds to sleep.

        Raises DatabaseError and InterfaceError where the database is away.
        """
        try:
            reading = read()
        except (DatabaseError, InterfaceError):
            self.be_patient()
            raise
        self.notice(reading)
        if not reading.any_lost or time.monotonic() < self._patient_until:
            return LOOK_SECONDS
        taken = moves.take_lost(BATCH, me())
        with ExitStack() as block:
            block.enter_context(impatient(LOCK_MS))
            for step in taken:
                logger.warning("step %s of execution %s lost its worker", step.name, step.execution_id)
                block.enter_context(leases.holding(step))
            for step in taken:
                alone(take_back, step)
        return 0.0 if len(taken) == BATCH else LOOK_SECONDS

    def notice(self, reading: Reading) -> None:
        """Be patient where the database answered late (all workers may have lost it), or its clock was set."""
        earlier, self._earlier = self._earlier, reading
        jump = reading.jump(earlier) if earlier else 0.0
        if jump < -JUMP_SECONDS:
            moves.shorten_leases()
        if abs(jump) > JUMP_SECONDS:
            logger.warning("the database's clock was set by %.1f s", jump)
            self.be_patient()
        elif reading.after - reading.before > settings.ENGINE_LEASE_SECONDS / 2:
            self.be_patient()

    def be_patient(self) -> None:
        """Take nothing back for a lease's time: whoever is alive renews theirs meanwhile."""
        self._patient_until = time.monotonic() + settings.ENGINE_LEASE_SECONDS

    def _look_only(self) -> float:
        with chain.handing_to(lambda *letter: self._letters.put(letter)):
            return self.look()

    def _deliver(self) -> float:
        execution_id, positions, begin = self._letters.get()
        try:
            chain.publish(execution_id, positions, begin=begin)
        finally:
            connection.close()  # back to the pool: the next letter may come in days
        return 0.0


def read() -> Reading:
    """Ask the database for its time, and whether a lease is over."""
    lost = f"EXISTS (SELECT 1 FROM {STEP} WHERE status = 'IN_PROGRESS' AND look_at <= {now_sql()})"
    before = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {epoch_sql()}, {lost}", [])
        database, any_lost = cursor.fetchone()
    return Reading(before, float(database), time.monotonic(), bool(any_lost))


rescuer = Rescuer()
