"""Publishes live messages after the commit, without ever holding up a step.

`publish` puts messages into a bounded queue. One thread of each process sends them over one connection.

The thread writes PUBLISH commands in the form that the pubsub layer of channels_redis writes, and only for groups that
somebody listens to. The layer's own `group_send` in an event loop of the thread would make a step 10 to 12 % dearer
(measured; docs/adr/0019), and `async_to_sync(group_send)` takes 3.6 ms. The form is not documented: pyproject.toml
pins channels_redis exactly, and tests receive through the layer.

While Redis does not answer, messages are dropped and counted. The database is the truth, and `reconciler` sends
watchers what they missed.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Container, Iterable, Iterator
from typing import Any, cast

import redis
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from executions.broker.redis_connection import Line
from executions.live.messages import Update, for_team, is_final
from steprunners.values.json_text import dumps
from telemetry import metrics

logger = logging.getLogger(__name__)

QUEUE_LIMIT = 2_000  # messages; about one second of the fastest worker
BATCH_LIMIT = 100  # updates sent at a time
GATHER_SECONDS = 0.01  # from one sending to the next, unless there is hurry: to send two costs what one costs
SOCKET_TIMEOUT = 1.0  # seconds
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # seconds that the circuit breaker stays open
PUBSUB_LAYER = "channels_redis.pubsub.RedisPubSubChannelLayer"


def publish(messages: Iterable[Update]) -> None:
    """Hand messages over for sending, in order; returns at once. Call it after the commit."""
    _publisher.put(list(messages))


def flush(timeout: float) -> bool:
    """Wait up to `timeout` seconds until everything was sent or dropped; return whether it was."""
    return _publisher.flush(timeout)


def dropped() -> int:
    """Return how many messages this process has dropped."""
    return _publisher.dropped


def execution_group(execution_id: object) -> str:
    """Return the Channels group of those who watch one execution."""
    return f"execution.{execution_id}"


def team_group(team_id: object) -> str:
    """Return the Channels group of those who watch a team's runs."""
    return f"team.{team_id}"


def groups_of(update: Update) -> list[str]:
    """Return the groups that an update is for: of its execution, and of its team where the execution itself changed."""
    group = execution_group(update["executionId"])
    return [group, team_group(update["execution"]["teamId"])] if _is_of_execution(update) else [group]


def channel_messages(update: Update, heard: Container[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (group, Channels message) for those groups of an update that are `heard`.

    The update travels as JSON text: it is encoded once and forwarded unread, and msgpack could not carry
    large integers or lone surrogates.
    """
    of_execution, *of_team = groups_of(update)
    if of_execution in heard:
        text = dumps(update)
        yield (
            of_execution,
            {
                "type": "execution.update",
                "sequence": update["sequence"],
                "final": is_final(update),
                "text": text,
            },
        )
    for group in of_team:
        if group in heard:
            yield group, {"type": "team.update", "text": dumps(for_team(update))}


def layer_settings() -> dict[str, Any] | None:
    """Return `hosts` and `prefix` of the pubsub layer; None where there is none, so that nobody can watch.

    Raises ImproperlyConfigured for several hosts: messages are sent to one.
    """
    layer: Any = settings.CHANNEL_LAYERS.get("default", {})
    if layer.get("BACKEND") != PUBSUB_LAYER:
        return None
    if len(layer["CONFIG"]["hosts"]) != 1:
        raise ImproperlyConfigured("Live updates go to one Redis host; CHANNEL_LAYERS names several.")
    return {"prefix": "asgi", **layer["CONFIG"]}


class Wire:
    """One connection that publishes in the layer's form: to `<prefix>__group__<group>`, a serialised message."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.prefix = config["prefix"]
        pool = redis.ConnectionPool.from_url(
            config["hosts"][0], socket_timeout=SOCKET_TIMEOUT, socket_connect_timeout=SOCKET_TIMEOUT
        )
        self._line = Line(pool.make_connection())
        self._may_ask = True

    def send(self, updates: list[Update]) -> None:
        """Publish in one go what somebody listens to. Raises redis.RedisError and OSError."""
        heard = self._heard(list(dict.fromkeys(group for each in updates for group in groups_of(each))))
        if not heard:
            return
        serialize = cast(RedisPubSubChannelLayer, get_channel_layer()).serialize
        commands = [
            ("PUBLISH", self._channel(group), serialize(message))
            for update in updates
            for group, message in _encoded(update, heard)
        ]
        self._line.send(*commands)

    def _channel(self, group: str) -> str:
        return f"{self.prefix}__group__{group}"

    def _heard(self, groups: list[str]) -> Container[str]:
        """Return the groups that somebody listens to: most runs are watched by nobody, and encoding is what costs.

        Whoever begins to listen after this was asked takes a snapshot, in which the updates are: they are committed.
        """
        if not self._may_ask:
            return groups
        try:
            [answer] = self._line.send(("PUBSUB", "NUMSUB", *map(self._channel, groups)))
        except redis.ResponseError as error:  # a server may be set up to refuse the question
            logger.info("Live updates are published whether anybody listens or not: %s", error)
            self._may_ask = False
            return groups
        return {group for group, listeners in zip(groups, answer[1::2], strict=True) if listeners}


def _encoded(update: Update, heard: Container[str]) -> list[tuple[str, dict[str, Any]]]:
    try:
        return list(channel_messages(update, heard))
    except (TypeError, ValueError):  # not JSON: a fault of the builder, which must not stop the others
        logger.exception("An update of execution %s could not be encoded", update["executionId"])
        return []


class Publisher:
    """A bounded queue and the thread that empties it; the oldest messages give way.

    Whoever puts wakes the thread only where it has nothing to do, or must hurry: to wake it costs more than to put.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._queue: deque[Update] = deque(maxlen=QUEUE_LIMIT)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._idle = self._hurry = self._sending = False
        self._closed = threading.Event()

    def close(self) -> None:
        """End the thread; what was not sent is lost."""
        with self._changed:
            self._closed.set()
            self._changed.notify_all()

    def put(self, messages: list[Update]) -> None:
        """Queue messages for the thread, which the first call starts."""
        config = layer_settings() if messages else None
        if config is None:
            return
        with self._changed:
            self._drop(max(0, len(self._queue) + len(messages) - QUEUE_LIMIT))
            self._queue.extend(messages)
            # Somebody may wait for it to go on: an execution has begun, is to be cancelled, or has ended.
            self._hurry = self._hurry or any(map(_is_of_execution, messages))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(Wire(config),), name="live-publisher", daemon=True
                )
                self._thread.start()
            if self._idle or self._hurry:
                self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until the queue is empty and nothing is being sent."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._sending, timeout)

    def _run(self, wire: Wire) -> None:
        pause = FIRST_PAUSE
        while batch := self._take():
            try:
                wire.send(batch)
                pause = FIRST_PAUSE
            except (redis.RedisError, OSError) as error:
                self._drop(len(batch))
                logger.warning("Live updates are not published for %.2f s: %s", pause, error)
                self._closed.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _drop(self, count: int) -> None:
        self.dropped += count
        if count:
            metrics.not_published("update", count)

    def _take(self) -> list[Update]:
        """Wait for messages and return them; none once the publisher is closed."""
        with self._changed:
            self._sending = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._hurry or self._closed.is_set(), GATHER_SECONDS)
            self._idle = True
            self._changed.wait_for(lambda: self._queue or self._closed.is_set())
            self._idle = False
            if self._closed.is_set():
                return []
            self._sending = True
            batch = [self._queue.popleft() for _ in range(min(BATCH_LIMIT, len(self._queue)))]
            self._hurry = bool(self._queue)
            return batch


def _is_of_execution(update: Update) -> bool:
    return update["updateType"] == "EXECUTION_UPDATE"


_publisher = Publisher()


def _start_afresh() -> None:
    """Give a forked child a publisher of its own: threads and connections do not survive a fork."""
    global _publisher  # noqa: PLW0603  # one a process is the point
    _publisher = Publisher()


os.register_at_fork(after_in_child=_start_afresh)
