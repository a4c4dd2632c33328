"""The last snapshot of an execution, shared while there is no newer update: a new client gets it without a query.

Otherwise each client that connects would cost a snapshot, the most expensive part of a connection; above all at the end
of a run, when nothing changes any more.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from uuid import UUID
from weakref import WeakKeyDictionary, WeakValueDictionary

from executions.live.snapshots import Taken


class RecentSnapshot:
    """The snapshot that the streams of one execution share in one event loop; each reports the updates it receives."""

    def __init__(self) -> None:
        #: The snapshot; None if there is a newer update.
        self.taken: Taken | None = None
        self._heard = 0  # the highest sequence number

    def keep(self, taken: Taken) -> None:
        """Share a new snapshot."""
        if taken[0]["sequence"] >= self._heard:
            self.taken = taken

    def forget(self) -> None:
        """Drop the snapshot: updates may have been missed (Python frees old streams whenever it likes)."""
        self.taken = None

    def heard(self, number: int) -> None:
        """Note an update with this sequence number; several streams may report the same."""
        self._heard = max(self._heard, number)
        if self.taken is not None and self.taken[0]["sequence"] < self._heard:
            self.taken = None


_recent: WeakKeyDictionary[AbstractEventLoop, WeakValueDictionary[UUID, RecentSnapshot]] = WeakKeyDictionary()


def recent_snapshot(execution_id: UUID) -> RecentSnapshot:
    """Return what the streams of an execution share in the running event loop, while there are any."""
    shared = _recent.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    return shared.setdefault(execution_id, RecentSnapshot())
