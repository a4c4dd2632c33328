"""Fulfilled orders reach each outlet on its own: one that fails or hangs is nobody else's trouble."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from asynctester.embedded.processes import wait_until
from lab.faults import Faults
from lab.orders import Order
from lab.shop import Shop


class Recorder:
    """An outlet that keeps what it is told."""

    def __init__(self, system: str) -> None:
        self.system = system
        self.orders: dict[str, Order] = {}
        self.closed = False

    def open(self) -> None: ...

    def write(self, order: Order) -> None:
        self.orders[order.id] = order

    def forget(self, order_id: str) -> None:
        self.orders.pop(order_id, None)

    def close(self) -> None:
        self.closed = True


class Refusing(Recorder):
    """An outlet that takes nothing."""

    def write(self, order: Order) -> None:
        raise OSError("disk full")


class Hanging(Recorder):
    """An outlet that does not return before it is let go."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.let_go = threading.Event()

    def write(self, order: Order) -> None:
        assert self.let_go.wait(60)


@pytest.fixture
def kafka() -> Recorder:
    return Recorder("kafka")


@pytest.fixture
def redis() -> Recorder:
    return Recorder("redis")


@pytest.fixture
def shop(tmp_path: Path, kafka: Recorder, redis: Recorder) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop.sqlite3", delay_ms=0, outlets=[kafka, redis])
    yield shop
    shop.close()
    assert kafka.closed
    assert redis.closed


def has(outlet: Recorder, order: Order) -> bool:
    return wait_until(lambda: order.id in outlet.orders, within=20)


def test_every_outlet_hears_of_an_order_and_of_its_end(shop: Shop, kafka: Recorder, redis: Recorder) -> None:
    order = shop.accept(sku="cup", quantity=2)
    assert has(kafka, order)
    assert has(redis, order)
    assert kafka.orders[order.id] == shop.order(order.id)
    assert shop.delete(order.id)
    assert wait_until(lambda: not kafka.orders and not redis.orders, within=20)


def test_faults_are_those_of_one_order_and_one_outlet(shop: Shop, kafka: Recorder, redis: Recorder) -> None:
    broken = shop.accept(sku="cup", quantity=2, faults=Faults.read(["kafka-missing", "redis-value"]))
    sound = shop.accept(sku="cup", quantity=2)
    assert has(kafka, sound)  # which comes behind the broken one
    assert has(redis, sound)
    assert broken.id not in kafka.orders
    assert redis.orders[broken.id].status == "LOST"
    assert redis.orders[sound.id].status == "FULFILLED"


def test_a_late_order_comes_later_and_not_at_all_once_it_was_deleted(
    shop: Shop, kafka: Recorder, redis: Recorder
) -> None:
    late = shop.accept(sku="cup", quantity=1, faults=Faults.read("kafka-late", 300))
    dropped = shop.accept(sku="cup", quantity=1, faults=Faults.read("kafka-late", 200))
    assert has(redis, late)
    assert has(redis, dropped)
    assert shop.delete(dropped.id)
    assert has(kafka, late)
    assert dropped.id not in kafka.orders


def test_one_that_hangs_or_refuses_holds_up_no_other(
    tmp_path: Path, kafka: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    hanging, refusing = Hanging("loki"), Refusing("redis")
    shop = Shop(tmp_path / "shop.sqlite3", delay_ms=0, outlets=[hanging, refusing, kafka])
    with caplog.at_level(logging.WARNING, logger="lab.delivery"):
        assert has(kafka, shop.accept(sku="cup", quantity=1))
        assert has(kafka, shop.accept(sku="cup", quantity=1))
        assert wait_until(lambda: len(caplog.messages) == 2, within=20)
    assert caplog.messages == ["redis refused: OSError: disk full"] * 2
    hanging.let_go.set()
    shop.close()
