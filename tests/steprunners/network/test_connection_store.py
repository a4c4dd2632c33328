"""Connections are kept for reuse, within limits on their number and idle time."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.network.connection_store import ConnectionStore, has_unread_data

MAX_KEPT, MAX_IDLE = 3, 10.0


@dataclass(eq=False)
class Item:
    name: str
    closed: int = 0
    works: bool = True
    used_at: float = 0.0

    def close(self) -> None:
        self.closed += 1


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def store_of(
    clock: Callable[[], float], *, used_at: Callable[[Item], float] | None = None
) -> ConnectionStore[str, Item]:
    return ConnectionStore(
        max_kept=MAX_KEPT,
        max_idle_seconds=MAX_IDLE,
        close=Item.close,
        is_usable=lambda item: item.works,
        used_at=used_at,
        clock=clock,
    )


@pytest.fixture
def store(clock: Clock) -> ConnectionStore[str, Item]:
    return store_of(clock)


class TestGet:
    def test_it_makes_an_item_once_a_key(self, store: ConnectionStore[str, Item]) -> None:
        first = store.get("a", lambda: Item("a"))
        assert store.get("a", lambda: Item("another")) is first
        assert store.get("b", lambda: Item("b")) is not first

    def test_it_closes_the_least_recently_used(self, store: ConnectionStore[str, Item]) -> None:
        items = {name: store.get(name, lambda name=name: Item(name)) for name in "abc"}  # type: ignore[misc]
        store.get("a", lambda: Item("not made"))
        store.get("d", lambda: Item("d"))
        assert [name for name, item in items.items() if item.closed] == ["b"]

    def test_it_closes_what_is_idle_for_too_long(
        self, store: ConnectionStore[str, Item], clock: Clock
    ) -> None:
        idle = store.get("a", lambda: Item("a"))
        clock.now += MAX_IDLE / 2
        used = store.get("b", lambda: Item("b"))
        clock.now += MAX_IDLE / 2 + 1
        store.get("c", lambda: Item("c"))
        assert (idle.closed, used.closed) == (1, 0)
        assert store.get("a", lambda: Item("new")) is not idle

    def test_use_of_an_item_itself_counts(self, clock: Clock) -> None:
        store = store_of(clock, used_at=lambda item: item.used_at)
        busy, idle = (store.get(name, lambda name=name: Item(name)) for name in "ab")  # type: ignore[misc]
        clock.now += MAX_IDLE + 1
        busy.used_at = clock.now - 1
        store.get("c", lambda: Item("c"))
        assert (busy.closed, idle.closed) == (0, 1)

    def test_an_item_that_cannot_be_made_is_not_kept(self, store: ConnectionStore[str, Item]) -> None:
        def fail() -> Item:
            raise OSError

        with pytest.raises(OSError):  # noqa: PT011 - nothing to match
            store.get("a", fail)
        assert len(store) == 0
        assert store.get("a", lambda: Item("a")).name == "a"


class TestTakeAndPut:
    def test_a_taken_item_has_one_user(self, store: ConnectionStore[str, Item]) -> None:
        item = Item("a")
        store.put("a", item)
        assert store.take("a") is item
        assert store.take("a") is None
        assert item.closed == 0

    def test_one_that_works_no_more_is_closed(self, store: ConnectionStore[str, Item]) -> None:
        item = Item("a", works=False)
        store.put("a", item)
        assert store.take("a") is None
        assert item.closed == 1

    def test_one_that_is_idle_for_too_long_is_closed(
        self, store: ConnectionStore[str, Item], clock: Clock
    ) -> None:
        item = Item("a")
        store.put("a", item)
        clock.now += MAX_IDLE + 1
        assert store.take("a") is None
        assert item.closed == 1

    def test_a_second_item_of_a_key_replaces_the_first(self, store: ConnectionStore[str, Item]) -> None:
        first, second = Item("first"), Item("second")
        store.put("a", first)
        store.put("a", second)
        assert (first.closed, second.closed) == (1, 0)
        assert store.take("a") is second

    def test_the_least_recently_put_is_closed(self, store: ConnectionStore[str, Item]) -> None:
        items = [Item(name) for name in "abcd"]
        for item in items:
            store.put(item.name, item)
        assert [item.closed for item in items] == [1, 0, 0, 0]


def test_close_closes_every_item_once(store: ConnectionStore[str, Item]) -> None:
    items = [store.get(name, lambda name=name: Item(name)) for name in "ab"]  # type: ignore[misc]
    store.close()
    store.close()
    assert [item.closed for item in items] == [1, 1]
    assert len(store) == 0


def test_a_forked_child_leaves_its_parents_items_alone(
    store: ConnectionStore[str, Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    item = store.get("a", lambda: Item("a"))
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert store.get("a", lambda: Item("the child's")) is not item
    store.close()
    assert item.closed == 0


def test_threads_share_one_item() -> None:
    store = store_of(Clock())
    found: list[Item] = []
    threads = [
        threading.Thread(target=lambda: found.append(store.get("a", lambda: Item("a")))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(item) for item in found}) == 1


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["get", "take", "put", "wait"]), st.sampled_from("abcde"), st.floats(0, 20))
)


@given(ACTIONS)
def test_whatever_leaves_the_store_is_closed_or_taken(actions: list[tuple[str, str, float]]) -> None:
    clock = Clock()
    store = store_of(clock)
    made: list[Item] = []
    taken: list[Item] = []

    def make() -> Item:
        made.append(Item(str(len(made))))
        return made[-1]

    for action, key, seconds in actions:
        if action == "get":
            store.get(key, make)
        elif action == "put":
            store.put(key, make())
        elif action == "take":
            item = store.take(key)
            taken.extend([item] if item else [])
        clock.now += seconds if action == "wait" else 0.0
        assert len(store) <= MAX_KEPT
    still_open = [item for item in made if not item.closed and item not in taken]
    assert len(still_open) == len(store)
    assert all(item.closed <= 1 for item in made)
    assert not any(item.closed for item in taken)


class TestUnreadData:
    def test_a_quiet_connection_has_none(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert not has_unread_data(ours.fileno())

    def test_a_closed_connection_has_some(self) -> None:
        ours, theirs = socket.socketpair()
        with ours:
            theirs.close()
            assert has_unread_data(ours.fileno())

    def test_data_that_nobody_asked_for_counts(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.send(b"+OK")
            assert has_unread_data(ours.fileno())
