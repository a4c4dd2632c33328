"""The leases of the steps that run in this process: a thread renews them, and ends the calls of cancelled steps.

The thread only sleeps and talks to the database. So a step that holds the GIL for a while delays it, but not past the
lease.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from executions import statements
from executions.models import ExecutionStep
from executions.runtime.background_thread import BackgroundThread
from steprunners.deadline import Cancellation

HOST = socket.gethostname()

#: How often running steps are checked for a cancel, in seconds.
CHECK_SECONDS = 0.5
#: The cancel requests that a deleted execution stands for: nothing of it goes on.
_DELETED = 2


@dataclass(frozen=True)
class Lease:
    """A step that runs here."""

    step_id: uuid.UUID
    execution_id: uuid.UUID
    fence: int
    always_run: bool
    cancellation: Cancellation


class Leases:
    """All leases of this process, and the thread that keeps them."""

    def __init__(self) -> None:
        """Start with none; the thread starts with the first."""
        self._thread = BackgroundThread(
            "leases",
            self._keep,
            first_pause=CHECK_SECONDS,
            retry_seconds=CHECK_SECONDS,
            after_fork=self._forget,
        )
        self._renewed_at = time.monotonic()
        self._forget()

    def _forget(self) -> None:
        # In a forked child: the leases are the parent's.
        self._lock = threading.Lock()
        self._held: dict[uuid.UUID, Lease] = {}

    @contextmanager
    def holding(self, step: ExecutionStep) -> Iterator[Cancellation]:
        """Renew the claimed step's lease during the block; yields what a cancel triggers."""
        lease = Lease(step.id, step.execution_id, step.fence, step.always_run, Cancellation())
        with self._lock:
            self._held[step.id] = lease
        self._thread.start()
        try:
            yield lease.cancellation
        finally:
            with self._lock:
                self._held.pop(step.id, None)

    def held(self) -> list[Lease]:
        """Return the leases held now."""
        with self._lock:
            return list(self._held.values())

    def _keep(self) -> float:
        """End the calls of cancelled steps, and renew the leases in time; returns the seconds until the next check."""
        held = self.held()
        if not held:
            self._renewed_at = time.monotonic()
            connection.close()  # back to the pool: the next step may be long in coming
            return CHECK_SECONDS
        _end_cancelled(held)
        if time.monotonic() - self._renewed_at >= settings.ENGINE_HEARTBEAT_SECONDS:
            _renew(held)
            self._renewed_at = time.monotonic()
        return CHECK_SECONDS


def _end_cancelled(held: list[Lease]) -> None:
    """End the calls of executions that were cancelled or deleted; a clean-up step ends at the second cancel request."""
    asked = statements.leases.cancel_requests({lease.execution_id for lease in held})
    for lease in held:
        if asked.get(lease.execution_id, _DELETED) >= (2 if lease.always_run else 1):
            lease.cancellation.cancel()


def _renew(held: list[Lease]) -> None:
    """Renew the leases. A lease that was lost ends its call, since its result would not be stored."""
    fences = statements.leases.renew([lease.step_id for lease in held])
    for lease in held:
        if fences.get(lease.step_id) != lease.fence:
            lease.cancellation.cancel()


def me() -> str:
    """Return what a claim stores as the step's owner: this thread of this process on this host."""
    return f"{HOST}:{os.getpid()}:{threading.get_ident()}"


leases = Leases()
