"""A worker with threads takes messages of `links` without Celery's ceremony, and all others as Celery does."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.concurrency.thread import TaskPool as ThreadPool

from executions.broker.messages import TASK, send
from executions.broker.thread_shares import Work
from executions.worker import receiving
from executions.worker.receiving import strategy

EXECUTION = uuid.UUID("01a20420-8d7b-7765-9b94-ed9506c08be1")
QUEUE = "test_receiving"


class Worker:
    """As much of a Celery worker as a strategy sees, its pool a real one, and what it was given."""

    def __init__(self, pool: Any) -> None:
        self.ran: list[tuple[Work, object]] = []
        self.left_to_celery: list[Any] = []
        self.pool = pool
        consumer = SimpleNamespace(
            pool=pool, hostname="here", connection_errors=(), event_dispatcher=None, disable_rate_limits=True,
            timer=SimpleNamespace(call_at=None), apply_eta_task=None, task_buckets={}, _limit_task=None,
            _limit_post_eta=None, on_task_request=self.left_to_celery.append,
            controller=SimpleNamespace(state=SimpleNamespace(revoked=())),
        )  # fmt: skip
        self._handle: Callable[..., Any] = strategy(current_app.tasks[TASK], current_app, consumer)

    def take(self, message: Any, callbacks: tuple[Any, ...] = ()) -> None:
        """Give the worker a message, and wait until its pool has done with it."""
        future = self._handle(message, None, lambda: None, lambda: None, callbacks)
        if future is not None:
            future.result(timeout=30)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker with a pool of threads, which notes what it is to run and runs nothing."""
    pool = ThreadPool(2, app=current_app)
    worker = Worker(pool)
    monkeypatch.setattr(receiving, "run_work", lambda work, lane: worker.ran.append((work, lane)))
    yield worker
    pool.on_stop()


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The queue that messages go to, of which no worker reads."""
    with ExitStack() as stack:
        broker = stack.enter_context(current_app.connection_for_read())
        yield _fresh(broker)


def _fresh(broker: Any) -> Any:
    queue = current_app.amqp.queues[current_app.conf.task_default_queue].bind(broker.default_channel)
    while queue.get(no_ack=True) is not None:
        pass
    return queue


@pytest.mark.usefixtures("alone")
def test_a_message_is_acknowledged_and_its_step_run(threads: Worker, queue: Any) -> None:
    send(EXECUTION, [3, 4, 7], lane=5, begin=True)
    message = queue.get()
    due = message.headers["due"]
    threads.take(message)
    assert threads.ran == [(Work(EXECUTION, 3, True, (4, 7), due), 5)]
    assert message.acknowledged
    assert threads.left_to_celery == []


@pytest.mark.usefixtures("alone")
def test_what_others_send_is_left_to_celery(threads: Worker, queue: Any) -> None:
    current_app.tasks[TASK].apply_async((str(EXECUTION), 3))
    threads.take(queue.get())
    assert threads.ran == []
    [request] = threads.left_to_celery
    assert request.args == [str(EXECUTION), 3]


@pytest.mark.usefixtures("alone")
def test_other_pools_take_messages_as_celery_does(queue: Any) -> None:
    worker = Worker(PreforkPool(2, app=current_app))
    send(EXECUTION, [3], lane=5, begin=True)
    worker.take(queue.get())
    assert [request.args for request in worker.left_to_celery] == [[str(EXECUTION), 3, True]]


@pytest.mark.usefixtures("alone")
def test_so_does_a_worker_that_counts_what_it_takes(threads: Worker, queue: Any) -> None:
    counted: list[Any] = []
    send(EXECUTION, [3], lane=5, begin=True)
    threads.take(queue.get(), callbacks=(counted.append,))
    assert counted == threads.left_to_celery
    assert threads.ran == []


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    "body", [b"", b"[]", b'[["x", 1, false], {}, {"chain": null}]', b"[" * 100_000, b"\xff"]
)
def test_a_message_that_makes_no_sense_is_told_and_dropped(
    threads: Worker, queue: Any, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    send(EXECUTION, [3], lane=5, begin=True)
    message = queue.get()
    message.body = body
    with caplog.at_level(logging.ERROR, "executions.worker.receiving"):
        threads.take(message)
    assert "cannot be read" in caplog.text
    assert message.acknowledged
    assert threads.ran == []
