"""Puts updates in order: drops what a snapshot already has, keeps early ones until it is their turn."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Order(Generic[T]):
    """The order of one watcher's updates; numbers grow by exactly 1.

    Before the first `rebase` everything is early. Up to `last` the watcher knows everything.
    """

    def __init__(self) -> None:
        self.last: int | None = None
        self._early: dict[int, T] = {}

    @property
    def gap(self) -> bool:
        """Whether an update is missing before one that has arrived."""
        return bool(self._early) and self.last is not None

    def accept(self, number: int, item: T) -> list[T]:
        """Take one update; return what may be sent now, in order."""
        if self.last is not None and number <= self.last:
            return []
        self._early[number] = item
        return self._ready()

    def rebase(self, number: int) -> list[T]:
        """Start again from a snapshot with this number; return what comes right after it."""
        self.last = number
        self._early = {early: item for early, item in self._early.items() if early > number}
        return self._ready()

    def _ready(self) -> list[T]:
        ready: list[T] = []
        while self.last is not None and self.last + 1 in self._early:
            self.last += 1
            ready.append(self._early.pop(self.last))
        return ready
