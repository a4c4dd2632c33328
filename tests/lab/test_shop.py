"""Orders are accepted at once and fulfilled in the background."""

from __future__ import annotations

import time
from pathlib import Path

from asynctester.embedded.processes import wait_until
from lab.shop import Shop


def is_fulfilled(shop: Shop, order_id: str) -> bool:
    order = shop.order(order_id)
    return order is not None and order.status == "FULFILLED"


def test_an_order_is_accepted_and_then_fulfilled_with_an_event(shop: Shop) -> None:
    order = shop.accept(sku="tea-pot", quantity=2)
    assert order.status == "ACCEPTED"
    assert shop.order(order.id) == order
    assert shop.events(order.id) == []

    assert wait_until(lambda: is_fulfilled(shop, order.id), within=30)

    fulfilled = shop.order(order.id)
    assert fulfilled is not None
    assert fulfilled.fulfilledAt is not None
    assert fulfilled.fulfilledAt >= order.acceptedAt
    [event] = shop.events(order.id)
    assert (event["type"], event["orderId"], event["quantity"]) == ("order.fulfilled", order.id, 2)


def test_the_order_and_its_event_appear_together(shop: Shop) -> None:
    order = shop.accept(sku="tea-pot", quantity=1)
    wait_until(lambda: is_fulfilled(shop, order.id), within=30)
    assert len(shop.events(order.id)) == 1


def test_an_order_that_is_deleted_before_its_time_is_never_fulfilled(shop: Shop) -> None:
    order = shop.accept(sku="tea-pot", quantity=1)
    assert shop.delete(order.id)
    time.sleep(0.25)
    assert shop.order(order.id) is None
    assert shop.events(order.id) == []
    assert not shop.delete(order.id)


def test_fulfilled_orders_outlive_the_process(tmp_path: Path) -> None:
    first = Shop(tmp_path / "kept.sqlite3", delay_ms=0)
    order = first.accept(sku="tea-pot", quantity=3)
    assert wait_until(lambda: is_fulfilled(first, order.id), within=30)
    first.close()

    second = Shop(tmp_path / "kept.sqlite3", delay_ms=0)
    assert is_fulfilled(second, order.id)
    second.close()


def test_each_key_fails_as_often_as_asked(shop: Shop) -> None:
    assert [shop.fails_now("a", failures=2) for _ in range(4)] == [True, True, False, False]
    assert [shop.fails_now("b", failures=0) for _ in range(2)] == [False, False]
