"""Finds updates that were missed: publishing is at most once, the database is the truth.

Each web process compares the sequence numbers of its streams with the database's, in one query for all.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DatabaseError

from executions.live.stream import in_database
from executions.models import Execution

logger = logging.getLogger(__name__)

INTERVAL = 1.0  # seconds: with PATIENCE and a snapshot, a missed update is shown within 2 s
PATIENCE = 0.25  # seconds that an update may take to arrive


class Watcher(Protocol):
    """A stream that watches an execution."""

    execution_id: UUID

    def knows(self) -> int | None:
        """Return the sequence number up to which everything was sent; None before the first snapshot."""

    def resync(self) -> None:
        """Send a snapshot."""


class Reconciler:
    """The watchers of one event loop, and the task that checks them while there are any."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, watcher: Watcher) -> None:
        """Begin to check a watcher."""
        self._watchers.add(watcher)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="live-reconciler")

    def remove(self, watcher: Watcher) -> None:
        """Stop checking a watcher."""
        self._watchers.discard(watcher)
        if not self._watchers and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.check()
            except DatabaseError:
                logger.warning("live streams could not be compared with the database", exc_info=True)

    async def check(self) -> None:
        """Have every watcher that missed an update send a snapshot."""
        numbers = await in_database(_numbers, {watcher.execution_id for watcher in self._watchers})
        if any(_behind(watcher, numbers) for watcher in self._watchers):
            await asyncio.sleep(PATIENCE)
        for watcher in list(self._watchers):
            if _behind(watcher, numbers):
                watcher.resync()


def _numbers(ids: Iterable[UUID]) -> dict[UUID, int]:
    return dict(Execution.objects.filter(pk__in=ids).values_list("pk", "sequence"))


def _behind(watcher: Watcher, numbers: dict[UUID, int]) -> bool:
    known = watcher.knows()
    if known is None:
        return False
    now = numbers.get(watcher.execution_id)
    return now is None or known < now  # None: it was deleted, and the snapshot finds that out


_reconcilers: WeakKeyDictionary[AbstractEventLoop, Reconciler] = WeakKeyDictionary()


def reconciler() -> Reconciler:
    """Return the reconciler of the running event loop."""
    return _reconcilers.setdefault(asyncio.get_running_loop(), Reconciler())
