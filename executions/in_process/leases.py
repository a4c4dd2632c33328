"""The steps that run in this process: their leases are renewed, and their calls ended when they are cancelled.

One thread a process does it. It only sleeps and talks to the database, so that a step which holds the GIL for a
while delays it, but not past the lease.
"""

from __future__ import annotations

import logging
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
from steprunners.base import Cancellation

logger = logging.getLogger(__name__)

HOST = socket.gethostname()

#: How often running steps are checked for a cancel, in seconds.
CHECK_SECONDS = 0.5
#: What counts as the cancel requests of an execution that was deleted: nothing of it goes on.
_GONE = 2


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
        self._lock = threading.Lock()
        self._held: dict[uuid.UUID, Lease] = {}
        self._pid = 0

    @contextmanager
    def holding(self, step: ExecutionStep) -> Iterator[Cancellation]:
        """Keep the claimed step's lease during the block; yields what a cancel triggers."""
        lease = Lease(step.id, step.execution_id, step.fence, step.always_run, Cancellation())
        with self._lock:
            self._held[step.id] = lease
            self._ensure_thread()
        try:
            yield lease.cancellation
        finally:
            with self._lock:
                self._held.pop(step.id, None)

    def held(self) -> list[Lease]:
        """Return the leases held now."""
        with self._lock:
            return list(self._held.values())

    def _ensure_thread(self) -> None:
        if self._pid == os.getpid():
            return  # a fork does not take threads along, so the process is what counts
        self._pid = os.getpid()
        threading.Thread(target=self._keep, name="leases", daemon=True).start()

    def _keep(self) -> None:
        renewed = time.monotonic()
        while True:
            time.sleep(CHECK_SECONDS)
            held = self.held()
            if not held:
                renewed = time.monotonic()
                connection.close()  # back to the pool
                continue
            try:
                _end_cancelled(held)
                if time.monotonic() - renewed >= settings.ENGINE_HEARTBEAT_SECONDS:
                    _renew(held)
                    renewed = time.monotonic()
            except Exception:  # a thread that ended would cost this process all its leases
                logger.exception("leases not renewed")
                connection.close()


def _end_cancelled(held: list[Lease]) -> None:
    """Cancel the calls of executions that are to end or were deleted; a clean-up step ends at the second request."""
    asked = statements.leases.cancel_requests({lease.execution_id for lease in held})
    for lease in held:
        if asked.get(lease.execution_id, _GONE) >= (2 if lease.always_run else 1):
            lease.cancellation.cancel()


def _renew(held: list[Lease]) -> None:
    """Renew the leases. A lease that was lost ends its call: the result would not count."""
    fences = statements.leases.renew([lease.step_id for lease in held])
    for lease in held:
        if fences.get(lease.step_id) != lease.fence:
            lease.cancellation.cancel()


def me() -> str:
    """Return what a claim writes as the owner: this thread of this process."""
    return f"{HOST}:{os.getpid()}:{threading.get_ident()}"


leases = Leases()
