"""Kombu's Redis transport with one client a channel, and with lanes that are served in turn.

A message's `priority` names its lane. Kombu keeps a list in Redis for each; ours are read round robin, where Kombu's
own reads the highest priority first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from kombu.utils import json as kombu_json

from executions.broker.thread_shares import turns

#: Kombu's stubs leave out most of what is used here.
redis: Any = kombu_redis
#: More connections than a process has threads.
MANY = 1_000_000


class QoS(redis.virtual.QoS):  # type: ignore[misc]  # as above
    """Knows whether the event loop may have stopped reading messages until one is acknowledged."""

    starved = False

    def can_consume(self) -> bool:
        """Return whether another message may be read: there are fewer than threads that nobody has begun."""
        if super().can_consume():
            return True
        # Only who acknowledges takes it back: the loop looks several times a round, and stops at the first no.
        self.starved = True
        return bool(super().can_consume())  # once more: who acknowledged before that line wakes nobody


class Channel(redis.Channel):  # type: ignore[misc]  # as above
    """Keeps its client, and asks for the lane after the last one first.

    Kombu makes a new one for each publish, receipt and acknowledgement. With redis-py 8 that is 0.2 ms each, three
    times a step (measured: 5 % of a step); all state is in the pool, so the client can be kept as long as that.
    """

    _kept: Any = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._asked: dict[tuple[Any, ...], list[bytes]] = {}
        #: Whether `acknowledge` may be used: where an acknowledgement is not written to Redis.
        self.acknowledged_by_any = not self.ack_emulation
        if self.acknowledged_by_any:
            self.QoS = QoS

    def acknowledge(self, message: Any) -> None:
        """Acknowledge the message in any thread; Celery's way has the event loop do it, and wakes it for each one."""
        message.ack()
        transport = self.connection  # None once the channel is closed, which another thread may do now
        if self.qos.starved and transport is not None:
            self.qos.starved = False
            transport.wake()

    def _create_client(self, asynchronous: bool = False) -> Any:
        create = super()._create_client
        if asynchronous:
            return create(asynchronous=True)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = create()
        return self._kept

    def many_connections(self) -> Any:
        """Return a pool of connections to the same server for many threads: a channel's own has ten."""
        return redis.redis.ConnectionPool(**{**self._connparams(), "max_connections": MANY})

    def lane_key(self, queue: str, lane: int) -> str:
        """Return the name of the lane's list in Redis."""
        return f"{self.global_keyprefix}{self._q_for_pri(queue, lane)}"

    def lane_size(self, queue: str, lane: int) -> int:
        """Return how many messages wait in the lane."""
        with self.conn_or_acquire() as client:
            return int(client.llen(self._q_for_pri(queue, lane)))

    def _get_message_priority(self, message: Any, reverse: bool = False) -> int:  # noqa: ARG002  # called by keyword
        # Kombu's own knows ten priorities; a message of somebody else's has none.
        priority = message["properties"].get("priority")
        return priority if isinstance(priority, int) and priority in self.priority_steps else 0

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Ask for a message: as Kombu does, but of another order of lists, and not of those with a long line here."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        lanes = self._lanes_in_turn()
        if not queues or not lanes:
            return
        wait = self.brpop_timeout if timeout is None else timeout
        connection = self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        connection.send_packed_command(self._question(queues, lanes, wait or 0, connection))

    def _question(
        self, queues: Sequence[str], lanes: Sequence[int], wait: float, connection: Any
    ) -> list[bytes]:
        """Return the command as it is sent. Where no line is long there are few different ones, and these are kept."""
        which = (lanes[0], wait, *queues) if len(lanes) == len(self.priority_steps) else None
        if which is not None and which in self._asked:
            return self._asked[which]
        keys = [self.lane_key(queue, lane) for lane in lanes for queue in queues]
        packed: list[bytes] = connection.pack_command("BRPOP", *keys, wait)
        if which is not None:
            self._asked[which] = packed
        return packed

    def _brpop_read(self, **options: Any) -> bool:
        """Read a message and deliver it: as Kombu does, but for how its envelope is decoded."""
        client = self.client
        try:
            try:
                answer = client.parse_response(client.connection, "BRPOP", **options)
            except self.connection_errors:
                client.connection.disconnect()  # the next round connects again
                raise
            if not answer:
                raise Empty
            key, message = answer
            queue = key.decode().rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)
            self.connection._deliver(_decoded(message), queue)
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()

    def _lanes_in_turn(self) -> Sequence[int]:
        first = self.connection.served + 1
        lanes = [*self.priority_steps[first:], *self.priority_steps[:first]]
        full = turns.full()
        return [lane for lane in lanes if lane not in full] if full else lanes


def _decoded(message: bytes) -> Any:
    """Return the message's envelope. Kombu looks into each object for one that stands for a date, say."""
    return json.loads(message) if b"__type__" not in message else kombu_json.loads(message.decode())


class Transport(redis.Transport):  # type: ignore[misc]  # as above
    """Opens such channels, and remembers whose turn it was."""

    Channel = Channel
    served = -1
    _loop: Any = None

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Have the worker's event loop read from here."""
        self._loop = loop
        super().register_with_event_loop(connection, loop)

    def wake(self) -> None:
        """Have the event loop look again whether it may read."""
        if self._loop is not None:
            self._loop.call_soon(_nothing)

    def _deliver(self, message: Any, queue: str) -> None:
        priority = message["properties"].get("priority") if message else None
        self.served = priority if isinstance(priority, int) else 0
        super()._deliver(message, queue)


def _nothing() -> None:
    """Be called."""


def use_own_transport() -> None:
    """Have every redis:// and rediss:// broker URL of this process use it."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
