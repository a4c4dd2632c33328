"""Updates are put in order, whatever arrives, however often."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from executions.live.ordering import Order


def test_nothing_is_sent_before_the_snapshot() -> None:
    order: Order[str] = Order()
    assert order.accept(4, "four") == []
    assert not order.gap
    assert order.rebase(3) == ["four"]
    assert order.last == 4


def test_what_the_snapshot_has_is_dropped() -> None:
    order: Order[str] = Order()
    order.accept(2, "two")
    assert order.rebase(2) == []
    assert order.accept(1, "one") == []
    assert not order.gap


def test_a_gap_waits_and_closes() -> None:
    order: Order[str] = Order()
    order.rebase(0)
    assert order.accept(2, "two") == []
    assert order.gap
    assert order.accept(1, "one") == ["one", "two"]
    assert not order.gap


def test_a_snapshot_closes_the_gap() -> None:
    order: Order[int] = Order()
    order.rebase(0)
    order.accept(3, 3)
    assert order.rebase(2) == [3]


@given(st.permutations(range(1, 13)), st.lists(st.integers(1, 12)), st.integers(0, 12), st.integers(0, 24))
def test_every_number_after_the_snapshot_exactly_once(
    arrivals: list[int], again: list[int], base: int, rebase_at: int
) -> None:
    order: Order[int] = Order()
    sent: list[int] = []
    arriving = [*arrivals, *again]
    for place, number in enumerate(arriving):
        if place == min(rebase_at, len(arriving) - 1):
            sent += order.rebase(base)
        sent += order.accept(number, number)
    assert sent == list(range(base + 1, 13))
    assert not order.gap
