"""Puts messages straight into the lists of a Redis broker: one LPUSH each.

Kombu's own way to the same LPUSH (a producer from a pool, its channel, the exchange, a new message, a client) takes
four times as long. What is written is what Kombu writes (`links` builds it, a test compares them); how the server is
reached (TLS, login, timeouts, key prefix) is what Kombu's channel says.
"""

from __future__ import annotations

import os
from typing import Any

from celery import current_app

from executions.broker.redis_connection import Line


class Outlet:
    """The default queue of the broker, a list in Redis for each lane; any number of threads may put at once."""

    def __init__(self, channel: Any, queue: str) -> None:
        """Reach the server as the channel does (executions.broker.transport.Channel)."""
        self.queue = queue
        self._lane_key = channel.lane_key
        self._pool = channel.many_connections()
        self._idle: list[Line] = []

    def put(self, message: str, lane: int) -> None:
        """Append the message to its lane, once and without a second try. Raises what the broker's client raises."""
        try:
            line = self._idle.pop()
        except IndexError:
            line = Line(self._pool.make_connection())
        try:
            line.send(("LPUSH", self._lane_key(self.queue, lane), message))
        finally:
            self._idle.append(line)


_of_pool: tuple[object, Outlet | None] = (None, None)


def outlet() -> Outlet | None:
    """Return this process's outlet; None where the broker is another than Redis.

    It lasts as long as the application's pool of connections: Celery makes a new one for another broker. Raises what
    the broker's client raises, when it is made.
    """
    global _of_pool  # noqa: PLW0603  # one a process is the point
    app: Any = current_app
    pool, found = _of_pool
    if pool is not app.pool:
        found = _make(app)
        _of_pool = app.pool, found
    return found


def _make(app: Any) -> Outlet | None:
    with app.producer_or_acquire() as producer:
        if not hasattr(producer.channel, "many_connections"):
            return None
        producer.maybe_declare(app.amqp.default_queue)  # once, as by Celery: nothing of ours looks it up
        return Outlet(producer.channel, app.amqp.default_queue.name)


def _start_afresh() -> None:
    """Give a forked child connections of its own."""
    global _of_pool  # noqa: PLW0603  # as above
    _of_pool = None, None


os.register_at_fork(after_in_child=_start_afresh)
