"""Snapshots shared by all who wait for one: after an outage hundreds of streams request the same execution at once."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from uuid import UUID
from weakref import WeakKeyDictionary

from executions.live.detached_tasks import in_background
from executions.live.messages import Update, snapshot
from executions.live.stream import SNAPSHOTS_AT_ONCE, in_database
from executions.models import Execution
from executions.selectors.executions import HIDDEN_OF_EXECUTION
from executions.selectors.executions import snapshot as read_snapshot
from steprunners.values.json_text import dumps

Taken = tuple[Update, str]


class Snapshots:
    """The snapshots of one event loop."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(SNAPSHOTS_AT_ONCE)
        #: Requested and not begun yet: streams that ask meanwhile get the same one.
        self._wanted: dict[UUID, asyncio.Task[Taken | None]] = {}

    async def take(self, execution_id: UUID) -> Taken | None:
        """Return a snapshot read after this call, and its text; None if the execution was deleted.

        Does not check who may see it. Raises DatabaseError.
        """
        task = self._wanted.get(execution_id)
        if task is None:
            task = self._wanted[execution_id] = in_background(self._read(execution_id))
        return await asyncio.shield(task)  # others may wait for it when this stream ends

    async def _read(self, execution_id: UUID) -> Taken | None:
        async with self._room:
            del self._wanted[execution_id]  # streams that ask from now on may know a newer update
            return await in_database(_read_and_encode, execution_id)


def _read_and_encode(execution_id: UUID) -> Taken | None:
    """Read and encode in a thread: megabytes of JSON would block the event loop."""
    execution = Execution.objects.defer(*HIDDEN_OF_EXECUTION).filter(pk=execution_id).first()
    taken = read_snapshot(execution) if execution else None
    if taken is None:
        return None
    update = snapshot(*taken)
    return update, dumps(update)


_snapshots: WeakKeyDictionary[AbstractEventLoop, Snapshots] = WeakKeyDictionary()


def snapshots() -> Snapshots:
    """Return the snapshots of the running event loop."""
    return _snapshots.setdefault(asyncio.get_running_loop(), Snapshots())
