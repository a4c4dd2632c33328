"""Connections that are kept for reuse: the least recently used ones are closed first.

HTTP, Redis, SQL and Kafka all keep their connections here. A key contains everything that a connection depends on:
its address, its credentials, the network policy. A changed resource has another key, so its old connections are never
used again, and are closed when they have been idle for long enough.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ItemT = TypeVar("ItemT")


@dataclass
class _Kept(Generic[ItemT]):
    item: ItemT
    used_at: float


class ConnectionStore(Generic[KeyT, ItemT]):
    """Keeps one item a key, for any number of threads.

    `get` is for items that many can use at once, such as a pool or a client: the item stays in the store. `take` and
    `put` are for items with one user at a time, such as a socket: the item leaves the store while it is used.
    """

    def __init__(
        self,
        *,
        max_kept: int,
        max_idle_seconds: float,
        close: Callable[[ItemT], None],
        is_usable: Callable[[ItemT], bool] | None = None,
        used_at: Callable[[ItemT], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start empty.

        `is_usable` tells whether an item that was taken still works. `used_at` tells when an item was last used, by
        `clock`, for items that are used without asking the store.
        """
        self._max_kept, self._max_idle_seconds = max_kept, max_idle_seconds
        self._close, self._is_usable, self._used_at, self._clock = close, is_usable, used_at, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[KeyT, _Kept[ItemT]] = OrderedDict()
        self._pid = os.getpid()

    def get(self, key: KeyT, make: Callable[[], ItemT]) -> ItemT:
        """Return the item of the key, make it where there is none, and close items that were idle for too long."""
        with self._lock:
            self._forget_parents()
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = _Kept(make(), 0.0)
            kept.used_at = self._clock()
            self._kept.move_to_end(key)
            superfluous = self._remove_superfluous()
        self._close_all(superfluous)
        return kept.item

    def take(self, key: KeyT) -> ItemT | None:
        """Remove and return the item of the key; None where there is none that still works."""
        with self._lock:
            self._forget_parents()
            superfluous = self._remove_superfluous()
            kept = self._kept.pop(key, None)
        self._close_all(superfluous)
        if kept is None:
            return None
        if self._is_usable is None or self._is_usable(kept.item):
            return kept.item
        self._close(kept.item)
        return None

    def put(self, key: KeyT, item: ItemT) -> None:
        """Keep the item until it is taken; close another item with the same key."""
        with self._lock:
            self._forget_parents()
            before = self._kept.pop(key, None)
            self._kept[key] = _Kept(item, self._clock())
            superfluous = self._remove_superfluous()
        self._close_all([*superfluous, *([before.item] if before else [])])

    def close(self) -> None:
        """Close everything that is kept."""
        with self._lock:
            self._forget_parents()
            items = [kept.item for kept in self._kept.values()]
            self._kept.clear()
        self._close_all(items)

    def __len__(self) -> int:
        """Return how many items are kept."""
        return len(self._kept)

    def _forget_parents(self) -> None:
        """Forget the items of the parent process after a fork: the parent still uses and closes them."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._kept.clear()

    def _remove_superfluous(self) -> list[ItemT]:
        """Remove the items that were idle for too long, and the least recently used ones where there are too many."""
        removed: list[ItemT] = []
        oldest_allowed = self._clock() - self._max_idle_seconds
        for key in list(self._kept):  # the least recently used first
            is_idle = self._last_use(self._kept[key]) < oldest_allowed
            if len(self._kept) > self._max_kept or is_idle:
                removed.append(self._kept.pop(key).item)
            elif self._used_at is None:
                break  # those after it were used later
        return removed

    def _last_use(self, kept: _Kept[ItemT]) -> float:
        return max(kept.used_at, self._used_at(kept.item)) if self._used_at else kept.used_at

    def _close_all(self, items: list[ItemT]) -> None:
        for item in items:
            self._close(item)


def has_unread_data(descriptor: int) -> bool:
    """Whether an idle connection has something to read: usually that the server has closed it."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poller.poll(0))
