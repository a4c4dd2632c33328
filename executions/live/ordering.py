"""Puts updates in order: drops those that a snapshot has, and keeps early ones until the missing ones come."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Order(Generic[T]):
    """The order of one stream's updates; sequence numbers grow by exactly 1.

    Before the first `rebase` every update is early. The stream has sent everything up to `last`.
    """

    def __init__(self) -> None:
        self.last: int | None = None
        self._early: dict[int, T] = {}

    @property
    def gap(self) -> bool:
        """Whether an update is missing before one that has arrived."""
        return bool(self._early) and self.last is not None

    def accept(self, number: int, item: T) -> list[T]:
        """Add an update; return the updates that may be sent now, in order."""
        if self.last is not None and number <= self.last:
            return []
        self._early[number] = item
        return self._ready()

    def rebase(self, number: int) -> list[T]:
        """Start again from a snapshot with this number; return the updates that follow it directly."""
        self.last = number
        self._early = {early: item for early, item in self._early.items() if early > number}
        return self._ready()

    def _ready(self) -> list[T]:
        ready: list[T] = []
        while self.last is not None and self.last + 1 in self._early:
            self.last += 1
            ready.append(self._early.pop(self.last))
        return ready
