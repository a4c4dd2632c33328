"""Each lane has a queue, and workers read the queues in turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from kombu import Connection, Queue

from executions.broker.queues import LanesInTurn, lane_of_queue, queue_of
from executions.broker.thread_shares import turns


def test_a_queue_names_its_lane() -> None:
    names = [queue_of(lane) for lane in range(settings.ENGINE_LANES)]
    assert len(set(names)) == settings.ENGINE_LANES
    assert [lane_of_queue(name) for name in names] == list(range(settings.ENGINE_LANES))


@pytest.mark.parametrize("name", ["celery", "celery.", "celery.x", "celeryev.3", "mine", "3x"])
def test_other_queues_are_in_the_first_lane(name: str) -> None:
    assert lane_of_queue(name) == 0


def test_workers_read_the_queue_of_every_lane() -> None:
    lanes = [queue_of(lane) for lane in range(settings.ENGINE_LANES)]
    assert sorted(current_app.amqp.queues.consume_from) == sorted(lanes)
    assert current_app.conf.task_default_queue == queue_of(0)


def test_the_lane_that_was_served_longest_ago_comes_first() -> None:
    order = LanesInTurn(["celery", "celery.1", "celery.2"])
    order.rotate("celery.1")
    order.rotate("celery")
    assert order.consume(3) == ["celery.2", "celery.1", "celery"]


def test_a_lane_with_a_long_line_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    order = LanesInTurn(["celery", "celery.1", "celery.2"])
    monkeypatch.setattr(turns, "full", lambda: {1})
    assert order.consume(3) == ["celery", "celery.2"]
    monkeypatch.setattr(turns, "full", set)
    assert order.consume(3) == ["celery", "celery.1", "celery.2"]


QUEUES = [Queue(f"test_{queue_of(lane)}", routing_key=f"test_{queue_of(lane)}") for lane in (2, 7, 31)]


@pytest.fixture
def broker() -> Iterator[Connection]:
    """A connection to the broker; the queues of this test are empty."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with Connection(settings.CELERY_BROKER_URL, transport_options=options) as connection:
        for queue in QUEUES:
            queue(connection).declare()
            queue(connection).purge()
        yield connection
        for queue in QUEUES:
            queue(connection).delete()


def test_each_lane_gets_its_turn_behind_a_flood(broker: Connection) -> None:
    """Read with one message at a time, as a worker with one thread does."""
    with broker.Producer() as producer:
        for queue, count in zip(QUEUES, (40, 2, 2), strict=True):
            for _ in range(count):
                producer.publish({"queue": queue.name}, exchange="", routing_key=queue.name)
    served: list[str] = []

    def take(body: Any, message: Any) -> None:
        served.append(body["queue"])
        message.ack()

    with broker.Consumer(QUEUES, callbacks=[take], prefetch_count=1):
        while len(served) < 12:
            broker.drain_events(timeout=10)
    assert {*served} == {queue.name for queue in QUEUES}
