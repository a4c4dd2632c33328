"""The fast path: messages go straight into Redis, and straight from there to a thread of the worker."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.concurrency.thread import TaskPool as ThreadPool
from kombu import Connection
from pytest_django import Settings
from redis import RedisError

from asynctester.broker import PLAIN_REDIS
from executions.broker import fast_redis
from executions.broker.fast_redis import Backlog, Publisher, publisher
from executions.broker.messages import TASK, send
from executions.broker.queues import queue_of
from executions.broker.thread_shares import Work
from executions.worker import tasks

QUEUE = "test_fast_redis"
HEADERS = {"id": "1"}
EXECUTION = uuid.UUID("01a20420-8d7b-7765-9b94-ed9506c08be1")
LANE = 5


@pytest.fixture(autouse=True)
def on_fast_path(settings: Settings) -> None:
    """The fast path is on, whatever the run of the tests says; another broker has none."""
    if settings.CELERY_BROKER_URL.partition(":")[0] not in PLAIN_REDIS:
        pytest.skip("the broker of this run has no fast path")
    settings.BROKER_FAST_PATH = True


@pytest.fixture
def channel(settings: Settings) -> Iterator[Any]:
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with Connection(settings.CELERY_BROKER_URL, transport_options=options) as connection:
        opened: Any = connection.default_channel
        yield opened
        opened.queue_purge(QUEUE)


def bodies(channel: Any) -> list[str]:
    """Take all messages out of the queue, the first one first."""
    found = []
    while (message := channel.basic_get(QUEUE, no_ack=True)) is not None:
        found.append(message.body.decode())
    return found


class TestPublisher:
    def test_messages_arrive_in_order(self, channel: Any) -> None:
        out = Publisher(channel)
        for text in ("a", "b", "c"):
            out.publish(text, HEADERS, queue=QUEUE)
        assert bodies(channel) == ["a", "b", "c"]

    def test_many_threads_publish_at_once(self, channel: Any) -> None:
        out = Publisher(channel)
        with ThreadPoolExecutor(40) as threads:
            list(threads.map(lambda number: out.publish(str(number), HEADERS, queue=QUEUE), range(400)))
        assert sorted(map(int, bodies(channel))) == list(range(400))

    def test_a_refused_message_raises(self, channel: Any) -> None:
        out = Publisher(channel)
        channel.client.set(QUEUE, "not a list")
        try:
            with pytest.raises(RedisError, match="WRONGTYPE"):
                out.publish("a", HEADERS, queue=QUEUE)
        finally:
            channel.client.delete(QUEUE)
        out.publish("b", HEADERS, queue=QUEUE)
        assert bodies(channel) == ["b"]

    def test_the_channels_key_prefix_is_kept(self, settings: Settings) -> None:
        options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "global_keyprefix": "mine:"}
        with Connection(settings.CELERY_BROKER_URL, transport_options=options) as connection:
            channel: Any = connection.default_channel
            Publisher(channel).publish("a", HEADERS, queue=QUEUE)
            assert bodies(channel) == ["a"]


@pytest.fixture
def new_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has made no publisher yet."""
    monkeypatch.setattr(fast_redis, "_made", (None, None))


@pytest.mark.usefixtures("new_publisher")
class TestOnePublisherAProcess:
    def test_it_is_made_once(self) -> None:
        assert publisher() is publisher() is not None

    def test_there_is_none_without_the_fast_path(self, settings: Settings) -> None:
        settings.BROKER_FAST_PATH = False
        assert publisher() is None

    def test_a_forked_child_makes_its_own(self) -> None:
        assert publisher() is not None
        child = os.fork()
        if child == 0:
            os._exit(0 if fast_redis._made == (None, None) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Message:
    """Counts how often it is acknowledged."""

    acknowledged = 0

    def ack(self) -> None:
        self.acknowledged += 1


class TestBacklog:
    def test_only_a_full_one_wakes_the_event_loop(self) -> None:
        woken: list[int] = []
        backlog, message = Backlog(2, lambda: woken.append(1)), Message()
        for _ in range(2):
            backlog.add()
        backlog.acknowledge(message)
        assert len(woken) == 1
        backlog.acknowledge(message)
        assert len(woken) == 1
        assert message.acknowledged == 2

    def test_no_wake_up_is_missed(self) -> None:
        """A loop that stops at two messages, and reads again when it is woken alone, reads all of them."""
        woken = threading.Semaphore(0)
        backlog, message = Backlog(2, woken.release), Message()
        with ThreadPoolExecutor(4) as threads:
            for read in range(500):
                while read - message.acknowledged >= 2:
                    assert woken.acquire(timeout=10)
                backlog.add()
                threads.submit(backlog.acknowledge, message)


class Worker:
    """As much of a Celery worker as a strategy sees. Its pool is real, and it notes what it was given."""

    def __init__(self, pool: Any, *, events: bool = False) -> None:
        self.ran: list[tuple[Work, object]] = []
        self.left_to_celery: list[Any] = []
        self.pool = pool
        consumer = SimpleNamespace(
            pool=pool, hostname="here", connection_errors=(), disable_rate_limits=True,
            event_dispatcher=SimpleNamespace(enabled=events, send=lambda *_, **__: None),
            timer=SimpleNamespace(call_at=None), apply_eta_task=None, task_buckets={}, _limit_task=None,
            _limit_post_eta=None, on_task_request=self.left_to_celery.append, initial_prefetch_count=2,
            controller=SimpleNamespace(state=SimpleNamespace(revoked=())), call_soon=lambda call: call(),
        )  # fmt: skip
        self._handle: Callable[..., Any] = fast_redis.strategy(current_app.tasks[TASK], current_app, consumer)

    def take(self, message: Any, callbacks: tuple[Any, ...] = ()) -> None:
        """Give the worker a message, and wait until its pool is done with it."""
        future = self._handle(message, None, lambda: None, lambda: None, callbacks)
        if future is not None:
            future.result(timeout=30)


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    pool = ThreadPool(2, app=current_app)
    yield pool
    pool.on_stop()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch, pool: ThreadPool) -> Worker:
    """A worker with a pool of threads, which notes what it is to run and runs nothing."""
    worker = Worker(pool)
    monkeypatch.setattr(tasks, "run_work", lambda work, lane: worker.ran.append((work, lane)))
    return worker


@pytest.fixture
def queue() -> Iterator[Any]:
    """The lane's queue, empty."""
    with current_app.connection_for_read() as broker:
        queue = current_app.amqp.queues[queue_of(LANE)].bind(broker.default_channel)
        queue.declare()
        queue.purge()
        yield queue


@pytest.mark.usefixtures("alone")
class TestStrategy:
    def test_a_message_is_acknowledged_and_its_step_run(self, threads: Worker, queue: Any) -> None:
        send(EXECUTION, [3, 4, 7], lane=LANE, begin=True)
        message = queue.get()
        due = message.headers["due"]
        threads.take(message)
        assert threads.ran == [(Work(EXECUTION, 3, True, (4, 7), due), LANE)]
        assert message.acknowledged
        assert threads.left_to_celery == []

    def test_messages_of_others_are_left_to_celery(self, threads: Worker, queue: Any) -> None:
        current_app.tasks[TASK].apply_async((str(EXECUTION), 3), queue=queue_of(LANE))
        threads.take(queue.get())
        assert threads.ran == []
        [request] = threads.left_to_celery
        assert request.args == [str(EXECUTION), 3]

    def test_other_pools_take_messages_as_celery_does(self, queue: Any) -> None:
        worker = Worker(PreforkPool(2, app=current_app))
        send(EXECUTION, [3], lane=LANE, begin=True)
        worker.take(queue.get())
        assert [request.args for request in worker.left_to_celery] == [[str(EXECUTION), 3, True]]

    @pytest.mark.parametrize("watched", ["events", "remote control"])
    def test_a_watched_worker_takes_messages_as_celery_does(
        self, monkeypatch: pytest.MonkeyPatch, pool: ThreadPool, queue: Any, watched: str
    ) -> None:
        monkeypatch.setitem(current_app.conf, "worker_enable_remote_control", watched == "remote control")
        worker = Worker(pool, events=watched == "events")
        send(EXECUTION, [3], lane=LANE, begin=True)
        worker.take(queue.get())
        assert len(worker.left_to_celery) == 1

    def test_so_does_a_worker_without_the_fast_path(
        self, settings: Settings, pool: ThreadPool, queue: Any
    ) -> None:
        settings.BROKER_FAST_PATH = False
        worker = Worker(pool)
        send(EXECUTION, [3], lane=LANE, begin=True)
        worker.take(queue.get())
        assert len(worker.left_to_celery) == 1

    def test_so_does_a_worker_that_counts_what_it_takes(self, threads: Worker, queue: Any) -> None:
        counted: list[Any] = []
        send(EXECUTION, [3], lane=LANE, begin=True)
        threads.take(queue.get(), callbacks=(counted.append,))
        assert counted == threads.left_to_celery
        assert threads.ran == []

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b'[["x", 1, false], {}, {"chain": null}]', b"[" * 100_000, b"\xff"]
    )
    def test_an_unreadable_message_is_logged_and_dropped(
        self, threads: Worker, queue: Any, body: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        send(EXECUTION, [3], lane=LANE, begin=True)
        message = queue.get()
        message.body = body
        threads.take(message)
        assert "cannot be read" in caplog.text
        assert message.acknowledged
        assert threads.ran == []
