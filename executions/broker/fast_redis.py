"""The fast path to a Redis broker. It replaces two parts of Celery and Kombu, and BROKER_FAST_PATH switches it.

- `Publisher` puts a message into its queue with one LPUSH. Kombu takes a producer from a pool, its channel, the
  exchange and a new client for that. Without it a step takes 13 % more processor time (median of 10 pairs).
- `strategy` gives a received message to a thread of the pool. Celery makes a request, two promises and a trace, sends
  a dozen signals, and wakes its event loop for the acknowledgement. That is for results, retries, revokes, time limits,
  rate limits and events, which our tasks do not use. Without it a step takes 19 % more.

Without the fast path Celery and Kombu do both in their own way, with the same messages: workers and web processes with
and without it work together. pyproject.toml pins Celery and Kombu exactly, because neither documents what is used
here: the form of a message in Redis, and what a strategy gets. docs/adr/0019-the-fast-path-to-redis.md has all figures.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from celery import current_app
from celery.concurrency.thread import TaskPool as ThreadPool
from celery.worker.strategy import default as default_strategy
from django.conf import settings
from redis import ConnectionPool

from executions.broker.redis_connection import Line

Handler = Callable[..., Any]


class Publisher:
    """Puts messages into the queues of a Redis broker. Any number of threads may publish at once."""

    def __init__(self, channel: Any) -> None:
        """Reach the server as Kombu's channel does: TLS, login, timeouts and key prefix are the channel's."""
        self._prefix = channel.global_keyprefix
        pool = channel.pool  # it has ten connections; threads have one each
        self._pool = ConnectionPool(connection_class=pool.connection_class, **pool.connection_kwargs)
        self._idle: list[Line] = []

    def publish(self, body: str, headers: Mapping[str, Any], *, queue: str) -> None:
        """Append the message to the queue, once and without a second try. Raises what the broker's client raises."""
        message = envelope(body, headers, queue)
        try:
            line = self._idle.pop()
        except IndexError:
            line = Line(self._pool.make_connection())
        try:
            line.send(("LPUSH", f"{self._prefix}{queue}", message))
        finally:
            self._idle.append(line)


def envelope(body: str, headers: Mapping[str, Any], queue: str) -> str:
    """Return what Kombu's Redis transport puts into a queue for such a message (a test compares them)."""
    return json.dumps(
        {
            "body": b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": {
                "correlation_id": headers["id"],
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    )


#: The application's pool of connections, and the publisher that was made for it.
_made: tuple[object, Publisher | None] = (None, None)


def publisher() -> Publisher | None:
    """Return this process's publisher; None if the fast path is off.

    It lasts as long as the application's pool of connections: Celery makes a new pool for another broker. Raises what
    the broker's client raises, when it is made.
    """
    global _made  # noqa: PLW0603  # one for the whole process
    app: Any = current_app
    pool, found = _made
    if pool is not app.pool:
        found = _make(app) if settings.BROKER_FAST_PATH else None
        _made = app.pool, found
    return found


def _make(app: Any) -> Publisher:
    with app.producer_or_acquire() as producer:
        return Publisher(producer.channel)


def _start_afresh() -> None:
    """Give a forked child connections of its own."""
    global _made  # noqa: PLW0603  # as above
    _made = None, None


os.register_at_fork(after_in_child=_start_afresh)


class Backlog:
    """Counts the messages that no thread has begun, and wakes the worker's event loop when it may read again."""

    def __init__(self, limit: int, wake: Callable[[], object]) -> None:
        """`limit` is the prefetch count: with so many messages unacknowledged the event loop stops reading."""
        self._limit, self._wake = limit, wake
        self._lock = threading.Lock()
        self._count = 0

    def add(self) -> None:
        """Count a message that was received."""
        with self._lock:
            self._count += 1

    def acknowledge(self, message: Any) -> None:
        """Acknowledge the message, in any thread.

        The event loop is woken only if it may have stopped reading: to wake it for each message costs more than to
        receive one. The count is never below the number of unacknowledged messages, so no wake-up is missed.
        """
        message.ack()
        with self._lock:
            was_full = self._count >= self._limit
            self._count -= 1
        if was_full:
            self._wake()


def strategy(task: Any, app: Any, consumer: Any) -> Handler:
    """Return what receives the task's messages (`Task.Strategy`; Celery asks once for each connection).

    Celery's own strategy receives all messages that are not ours. It receives ours, too, without the fast path, in
    other pools than threads, and where WORKER_REMOTE_CONTROL or WORKER_TASK_EVENTS is on.
    """
    by_celery: Handler = default_strategy(task, app, consumer)
    if not _is_fast(app, consumer):
        return by_celery
    backlog = Backlog(consumer.initial_prefetch_count, wake=lambda: consumer.call_soon(_nothing))

    def receive(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> Any:
        if callbacks or not task.understands(message):
            return by_celery(message, body, ack, reject, callbacks)
        backlog.add()
        return consumer.pool.executor.submit(_run, task, message, backlog)

    return receive


def _is_fast(app: Any, consumer: Any) -> bool:
    events = consumer.event_dispatcher
    watched = app.conf.worker_enable_remote_control or (events is not None and events.enabled)
    return bool(settings.BROKER_FAST_PATH) and not watched and isinstance(consumer.pool, ThreadPool)


def _run(task: Any, message: Any, backlog: Backlog) -> None:
    """Acknowledge the message, then run its step. If this process is lost now, a sweeper publishes the step again."""
    backlog.acknowledge(message)
    task.run_message(message)


def _nothing() -> None:
    """Be called: the event loop looks for messages after each call."""
