"""Kombu's Redis transport with one client a channel, and with lanes that are served in turn.

A message's `priority` names its lane. Kombu keeps a list in Redis for each; ours are read round robin, where Kombu's
own reads the highest priority first.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis

from executions.turns import turns

#: Kombu's stubs leave out most of what is used here.
redis: Any = kombu_redis
#: More connections than a process has threads.
MANY = 1_000_000


class Channel(redis.Channel):  # type: ignore[misc]  # as above
    """Keeps its client, and asks for the lane after the last one first.

    Kombu makes a new one for each publish, receipt and acknowledgement. With redis-py 8 that is 0.2 ms each, three
    times a step (measured: 5 % of a step); all state is in the pool, so the client can be kept as long as that.
    """

    _kept: Any = None

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

    def _get_message_priority(self, message: Any, reverse: bool = False) -> int:
        # Kombu's own knows ten priorities; a message of somebody else's has none.
        priority = message["properties"].get("priority")
        return priority if isinstance(priority, int) and priority in self.priority_steps else 0

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Ask for a message: as Kombu does, but of another order of lists, and not of those with a long line here."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        lanes = self._lanes_in_turn()
        if not queues or not lanes:
            return
        keys = [self._q_for_pri(queue, lane) for lane in lanes for queue in queues]
        wait = self.brpop_timeout if timeout is None else timeout
        command = ["BRPOP", *keys, wait or 0]
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        if self.global_keyprefix:
            command = self.client._prefix_args(command)
        self.client.connection.send_command(*command)

    def _lanes_in_turn(self) -> list[int]:
        first = self.connection.served + 1
        lanes = [*self.priority_steps[first:], *self.priority_steps[:first]]
        return [lane for lane in lanes if not turns.full(lane)]


class Transport(redis.Transport):  # type: ignore[misc]  # as above
    """Opens such channels, and remembers whose turn it was."""

    Channel = Channel
    served = -1

    def _deliver(self, message: Any, queue: str) -> None:
        priority = message["properties"].get("priority") if message else None
        self.served = priority if isinstance(priority, int) else 0
        super()._deliver(message, queue)


def use_own_transport() -> None:
    """Have every redis:// and rediss:// broker URL of this process use it."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
