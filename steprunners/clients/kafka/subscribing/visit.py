"""One visit of a `kafka_subscribe` step: it starts, or continues where the last visit stopped."""

from __future__ import annotations

import math
import random
import time

from steprunners.clients.kafka.cluster.client import KafkaClient
from steprunners.clients.kafka.cluster.errors import Unavailable
from steprunners.clients.kafka.cluster.offsets import (
    BEGINNING,
    Offsets,
    commit_offsets,
    committed_offsets,
    end_offsets,
    offsets_at,
    offsets_now,
)
from steprunners.clients.kafka.cluster.pool import client_of
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.subscribing.reading import Reading, by_partition, read_once, to_wire
from steprunners.clients.kafka.subscribing.subscription import KafkaSubscribeConfig
from steprunners.clients.kafka.subscribing.watching import KafkaWatch, taken_over
from steprunners.deadline import Deadline
from steprunners.errors import ConnectionFailed, DeadlineExceeded
from steprunners.json_types import Json
from steprunners.network import Call
from steprunners.runner import Finished, Park, StepContext

#: The longest time between two visits of a watched step, in ms: a visit uses the resource as it is by then. 500 visits
#: take seconds, so they are spread.
PATIENCE_MS = 300_000
#: The time between two visits of a step without a watch, in ms.
POLL_MS = 1_000
#: The longest time that one visit reads before other steps have their turn, in seconds.
VISIT_SECONDS = 2.0
#: The longest time of the last visit, after the deadline, in seconds.
LAST_LOOK_SECONDS = 2.0
#: The time before the next visit after a broker was lost, in ms.
OUTAGE_MS = 1_000


class Visit:
    """One visit of a step."""

    def __init__(
        self, config: KafkaSubscribeConfig, context: StepContext[KafkaConnection], connection: KafkaConnection
    ) -> None:
        """Prepare the visit."""
        self.config = config
        self.context = context
        self.matcher = config.matcher()
        self.client: KafkaClient = client_of(connection, context.network)
        self.is_last = context.state is not None and context.deadline.remaining() <= 0
        deadline = Deadline(LAST_LOOK_SECONDS) if self.is_last else context.deadline
        self.call = Call(context.network, deadline, context.cancellation)
        self.reading = self._carried_over(context.state)

    def _carried_over(self, state: Json) -> Reading:
        """Return the reading of the last visit, with what a watch has read since."""
        if not isinstance(state, dict):
            return Reading(_now_ms(), {})
        reading = Reading.from_json(state["reading"])
        rest = taken_over(str(state["watch"]))
        if rest is not None:
            reading.add(rest)
        return reading

    def start(self) -> None:
        """Find the start positions. All attempts of a step share those of `STEP`. Raises StepError."""
        if self.config.start_from != "STEP":
            self.reading.positions = self._positions()
        elif isinstance(self.context.origin, dict):
            self.reading.positions = by_partition(self.context.origin)
        else:
            self.reading.positions = self._positions()
            self.context.origin = to_wire(self.reading.positions)

    def _positions(self) -> Offsets:
        topic, call, client = self.config.topic, self.call, self.client
        start, facts = self.config.start_from, self.context.execution
        recorded = facts.starts.get(topic)
        if start == "EXECUTION" and isinstance(recorded, dict):
            return by_partition(recorded)
        if start == "STEP":
            return client.run(call, lambda: end_offsets(client, call, [topic]))[topic]
        if start == "EARLIEST":
            return self._beginnings()
        if start == "GROUP":
            group = self.config.consumer_group or ""
            return self._beginnings() | client.run(
                call, lambda: committed_offsets(client, call, group, topic)
            )
        since = (
            facts.starts_at_ms or facts.started_at_ms if start == "EXECUTION" else self.config.timestamp_ms
        )
        return client.run(call, lambda: offsets_at(client, call, topic, since or 0))

    def _beginnings(self) -> Offsets:
        """Return the beginnings that are known now; other partitions are read from their first message."""
        topic, client = self.config.topic, self.client
        found, _ = client.run(self.call, lambda: offsets_now(client, self.call, {topic: BEGINNING}))
        return found[topic]

    def carry_on(self) -> Finished | Park:
        """Read the messages that are there; finish, or park the step."""
        try:
            enough = self._read()
        except (ConnectionFailed, DeadlineExceeded) as problem:
            self.reading.reached |= isinstance(problem, Unavailable)  # other brokers answer
            if self._is_over() or not self.reading.reached:
                raise
            return self._park(OUTAGE_MS)
        if enough is None and not self._is_over():
            return self._park(POLL_MS, watched=not self.reading.is_slow)
        if enough or self._is_over():
            return self._finish()
        return self._park(0)

    def _read(self) -> bool | None:
        """Read for a while; return whether enough was found, None where there is nothing more to read now."""
        self.reading.check_size()
        until = time.monotonic() + VISIT_SECONDS
        enough: bool | None = len(self.reading.found) >= self.config.enough
        while enough is False and time.monotonic() < until:
            try:
                enough = read_once(
                    self.client, self.call, self.config.topic, self.reading, self.matcher, self.config.enough
                )
            except DeadlineExceeded:
                # The time is over while there is more to read: what was found so far counts.
                if self.reading.reached and self._is_over() and not self.is_last:
                    return False
                raise
        return enough

    def _is_over(self) -> bool:
        return self.is_last or self.context.deadline.remaining() <= 0

    def _park(self, delay_ms: int, *, watched: bool = False) -> Park:
        left_ms = math.ceil(self.context.deadline.remaining() * 1000)
        watch = self._watch(left_ms) if watched else None
        state: dict[str, Json] = {"reading": self.reading.to_json(), "watch": watch.token if watch else ""}
        return Park(min(delay_ms, left_ms), state, watch)

    def _watch(self, left_ms: int) -> KafkaWatch:
        spread = random.uniform(0.5, 1.0)  # noqa: S311  # spreads load; no security depends on it
        return KafkaWatch(
            self.client,
            self.context.network,
            self.config.topic,
            self.reading,
            self.matcher,
            enough=self.config.enough,
            patience_ms=min(round(PATIENCE_MS * spread), left_ms),
        )

    def _finish(self) -> Finished:
        succeeded = len(self.reading.found) >= self.config.min_messages
        if self.config.consumer_group is not None and succeeded:
            self._commit(self.config.consumer_group)
        duration_ms = max(0, _now_ms() - self.reading.began_ms)
        return Finished({**self.reading.result(), "durationMs": duration_ms})

    def _commit(self, group: str) -> None:
        topic, positions, client = self.config.topic, self.reading.positions, self.client
        seconds = max(LAST_LOOK_SECONDS, self.context.deadline.remaining())
        call = Call(self.context.network, Deadline(seconds), self.context.cancellation)
        client.run(call, lambda: commit_offsets(client, call, group, topic, positions))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
