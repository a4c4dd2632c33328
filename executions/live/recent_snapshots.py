"""The last snapshot of an execution, while nothing newer was heard of it: a newcomer gets it without a read.

Clients that come and go would else each cost a snapshot of their own, the dearest part of a connection: above all at
the end of a run, when nothing changes any more.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from uuid import UUID
from weakref import WeakKeyDictionary, WeakValueDictionary

from executions.live.snapshots import Taken


class Recent:
    """What the streams of one execution share in one event loop; each passes on what it hears."""

    def __init__(self) -> None:
        #: The snapshot; None where something newer was heard of.
        self.taken: Taken | None = None
        self._heard = 0  # the highest number

    def keep(self, taken: Taken) -> None:
        """Take a new snapshot."""
        if taken[0]["sequence"] >= self._heard:
            self.taken = taken

    def forget(self) -> None:
        """Have the next one read anew: updates may have gone by unheard (Python frees old streams when it likes)."""
        self.taken = None

    def heard(self, number: int) -> None:
        """Know that there is an update with this number; any number of streams may pass on the same."""
        self._heard = max(self._heard, number)
        if self.taken is not None and self.taken[0]["sequence"] < self._heard:
            self.taken = None


_recent: WeakKeyDictionary[AbstractEventLoop, WeakValueDictionary[UUID, Recent]] = WeakKeyDictionary()


def recent(execution_id: UUID) -> Recent:
    """Return what the streams of an execution share in the running event loop, as long as there are any."""
    shared = _recent.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    return shared.setdefault(execution_id, Recent())
