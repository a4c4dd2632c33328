"""How far a step has read, and what it has found: the state that it keeps while it waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from steprunners.budgets.effort import working
from steprunners.clients.kafka.cluster.client import KafkaClient
from steprunners.clients.kafka.cluster.fetching import fetch
from steprunners.clients.kafka.messages import Message
from steprunners.clients.kafka.subscribing.matching import Matcher
from steprunners.clients.kafka.subscribing.near_misses import NearMisses
from steprunners.errors import StepError
from steprunners.json_types import Json
from steprunners.network import Call

#: The most bytes of all matching messages together.
MOST_BYTES = 16 * 1024 * 1024


@dataclass
class Reading:
    """The next offset of each partition (`positions`), the first one (`begun`), and the messages found so far.

    `reached` says whether the brokers have ever answered. `scanned` counts the messages that were read. `is_slow` says
    that matching takes too long for a watch, which many steps share.
    """

    began_ms: int
    positions: dict[int, int]
    begun: dict[int, int] = field(default_factory=dict)
    reached: bool = False
    scanned: int = 0
    found: list[Json] = field(default_factory=list)
    found_bytes: int = 0
    near: NearMisses = field(default_factory=NearMisses)
    is_slow: bool = False

    @classmethod
    def from_json(cls, state: Any) -> Reading:
        """Return the reading that `to_json` wrote."""
        return cls(
            began_ms=state["began_ms"],
            positions=by_partition(state["positions"]),
            begun=by_partition(state["begun"]),
            reached=state["reached"],
            scanned=state["scanned"],
            found=state["found"],
            found_bytes=state["found_bytes"],
            near=NearMisses.from_json(state["near"]),
            is_slow=state["is_slow"],
        )

    def to_json(self) -> dict[str, Json]:
        """Return it as it is stored while the step waits."""
        return {
            "began_ms": self.began_ms,
            "positions": to_wire(self.positions),
            "begun": to_wire(self.begun),
            "reached": self.reached,
            "scanned": self.scanned,
            "found": self.found,
            "found_bytes": self.found_bytes,
            "near": self.near.to_json(),
            "is_slow": self.is_slow,
        }

    def rest(self) -> Reading:
        """Return a new reading that continues this one; `add` joins both later."""
        return Reading(self.began_ms, dict(self.positions), scanned=self.scanned)

    def add(self, rest: Reading) -> None:
        """Add a reading that continues this one."""
        for partition in rest.positions:
            self.begun.setdefault(partition, self.positions.get(partition, 0))
        self.positions.update(rest.positions)
        self.scanned = rest.scanned
        self.found += rest.found
        self.found_bytes += rest.found_bytes
        self.near.merge(rest.near)
        self.is_slow |= rest.is_slow

    def take(self, message: Message, matcher: Matcher) -> bool:
        """Take the next message of a partition; return whether it matches."""
        self.scanned += 1
        self.positions[message.partition] = message.offset + 1
        failing = matcher.failing(message)
        if failing:
            self.near.add(message, failing, self.scanned)
            return False
        self.found.append(message.to_json())
        self.found_bytes += len(message.value_bytes or b"")
        return True

    def check_size(self) -> None:
        """Raise StepError where the matching messages are too large together."""
        if self.found_bytes > MOST_BYTES:
            limit = f"{MOST_BYTES // (1024 * 1024)} MiB"
            raise StepError(
                f"the matching messages are larger than {limit} together: search for fewer",
                code="response_too_large",
                result=self.result(),
            )

    def result(self) -> dict[str, Json]:
        """Return the result of the step so far, with the messages in order."""
        found = in_order(self.found)
        partitions: dict[str, Json] = {
            str(partition): {"from": start, "to": max(start, self.positions.get(partition, start))}
            for partition, start in sorted(self.begun.items())
        }
        return {
            "messages": list(found),
            "count": len(found),
            "scanned": {"messages": self.scanned, "partitions": partitions},
            "nearMisses": self.near.shown(),
        }


def by_partition(offsets: Mapping[str, Any]) -> dict[int, int]:
    """Return offsets from JSON, by the number of the partition."""
    return {int(partition): int(offset) for partition, offset in offsets.items()}


def to_wire(offsets: Mapping[int, int]) -> dict[str, Json]:
    """Return offsets for JSON, by the text of the partition's number."""
    return {str(partition): offset for partition, offset in offsets.items()}


def in_order(messages: Sequence[Any]) -> list[Any]:
    """Return messages by time, those of a partition as they were read, which is the order of their offsets.

    Any producer may set any timestamp. So a message counts from the latest one that its partition had until then.
    """
    latest: dict[int, int] = {}
    placed = []
    for message in messages:
        partition = message["partition"]
        latest[partition] = max(message["timestamp"], latest.get(partition, message["timestamp"]))
        placed.append((latest[partition], partition, message))
    return [message for _, _, message in sorted(placed, key=lambda each: each[:2])]


def read_once(
    client: KafkaClient, call: Call, topic: str, reading: Reading, matcher: Matcher, enough: int
) -> bool | None:
    """Read with one request; return whether enough was found, None where there is nothing more to read now."""
    chunks = client.run(call, lambda: _fetch(client, call, topic, reading))
    reading.reached = True
    moved = False
    for chunk in chunks:
        before = reading.positions[chunk.partition]
        with working(processor=inf):
            if _is_enough(chunk.messages(), reading, matcher, enough):
                return True
        reading.positions[chunk.partition] = chunk.next_offset()
        moved |= reading.positions[chunk.partition] != before
        call.check()
    return False if moved else None


def _is_enough(messages: Iterable[Message], reading: Reading, matcher: Matcher, enough: int) -> bool:
    for message in messages:
        if reading.take(message, matcher):
            reading.check_size()
            if len(reading.found) >= enough:
                return True
    return False


async def _fetch(client: KafkaClient, call: Call, topic: str, reading: Reading) -> list[Any]:
    """Fetch from the positions on; new partitions are read from their beginning."""
    for partition in await client.leaders(call, topic) or {}:
        reading.positions.setdefault(partition, 0)
    for partition, position in reading.positions.items():
        reading.begun.setdefault(partition, position)
    return await fetch(client, call, topic, reading.positions)
