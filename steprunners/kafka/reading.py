"""How far a step has read, and what it has found: what it takes along over its waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from steprunners.base import StepError
from steprunners.display import show
from steprunners.json_types import Json
from steprunners.kafka.client import KafkaClient
from steprunners.kafka.fetching import fetch
from steprunners.kafka.matching import Matcher
from steprunners.kafka.messages import Message
from steprunners.network import Call

#: How many of the closest messages are shown, and how much of each value, in characters.
NEAREST = 5
NEAREST_LENGTH = 1_000
#: The messages found may be so large together, in bytes.
MOST_BYTES = 16 * 1024 * 1024


@dataclass
class Reading:
    """Where each partition is read on (`positions`) and was begun (`begun`), and what came of it.

    `near` holds the closest messages as [predicates that do not hold, place, what is shown], the closest first.
    """

    began_ms: int
    positions: dict[int, int]
    begun: dict[int, int] = field(default_factory=dict)
    reached: bool = False
    scanned: int = 0
    found: list[Json] = field(default_factory=list)
    found_bytes: int = 0
    near: list[Any] = field(default_factory=list)

    @classmethod
    def from_json(cls, state: Any) -> Reading:
        """Return the reading that `to_json` gave."""
        reading = cls(**state)
        reading.positions = {int(key): value for key, value in reading.positions.items()}
        reading.begun = {int(key): value for key, value in reading.begun.items()}
        return reading

    def to_json(self) -> dict[str, Json]:
        """Return it as it is stored over a wait."""
        state = asdict(self)
        for name in ("positions", "begun"):
            state[name] = {str(key): value for key, value in state[name].items()}
        return state

    def take(self, message: Message, matcher: Matcher) -> bool:
        """Look at the next message of a partition; returns whether it is looked for."""
        self.scanned += 1
        self.positions[message.partition] = message.offset + 1
        reasons = matcher.reasons(message)
        if reasons:
            self._remember_near(message, reasons)
            return False
        self.found.append(message.to_json())
        self.found_bytes += len(message.value_bytes or b"")
        if self.found_bytes > MOST_BYTES:
            limit = f"{MOST_BYTES // (1024 * 1024)} MiB"
            raise StepError(
                f"the messages that match are larger than {limit} together: look for fewer",
                code="response_too_large",
                result=self.result(),
            )
        return True

    def _remember_near(self, message: Message, reasons: list[str]) -> None:
        # The fewer predicates fail the closer it is; of equally close ones the latest are shown.
        rank = [len(reasons), -self.scanned]
        if len(self.near) == NEAREST and rank > self.near[-1][:2]:
            return
        value, encoding = message.decoded
        text = value if isinstance(value, str) else None
        cut = text[:NEAREST_LENGTH] + "…" if text is not None and len(text) > NEAREST_LENGTH else value
        if encoding == "json" and len(message.value_bytes or b"") > NEAREST_LENGTH:
            cut = show(value, NEAREST_LENGTH)
        shown: dict[str, Json] = {
            "partition": message.partition,
            "offset": message.offset,
            "key": message.key,
            "value": cut,
            "reason": "; ".join(reasons),
        }
        self.near = sorted([*self.near, [*rank, shown]], key=lambda each: each[:2])[:NEAREST]

    def result(self) -> dict[str, Json]:
        """Return the step's result as far as it goes; messages in the order of their times."""
        found = sorted(self.found, key=_time_of)
        partitions: dict[str, Json] = {
            str(partition): {"from": start, "to": max(start, self.positions.get(partition, start))}
            for partition, start in sorted(self.begun.items())
        }
        return {
            "messages": list(found),
            "count": len(found),
            "scanned": {"messages": self.scanned, "partitions": partitions},
            "nearMisses": [each[2] for each in self.near],
        }


def _time_of(message: Any) -> tuple[int, int, int]:
    return message["timestamp"], message["partition"], message["offset"]


def read_once(
    client: KafkaClient, call: Call, topic: str, reading: Reading, matcher: Matcher, enough: int
) -> bool | None:
    """Read what one request brings; returns whether enough was found, None where there is nothing more to read now."""
    chunks = client.run(call, lambda: _fetch(client, call, topic, reading))
    reading.reached = True
    moved = False
    for chunk in chunks:
        before = reading.positions[chunk.partition]
        for message in chunk.messages():
            if reading.take(message, matcher) and len(reading.found) >= enough:
                return True
        reading.positions[chunk.partition] = chunk.next_offset()
        moved |= reading.positions[chunk.partition] != before
        call.check()
    return False if moved else None


async def _fetch(client: KafkaClient, call: Call, topic: str, reading: Reading) -> list[Any]:
    """Fetch from the positions on; partitions that came into being since are read from their beginning."""
    add_partitions(reading.positions, await client.leaders(call, topic) or {})
    for partition, position in reading.positions.items():
        reading.begun.setdefault(partition, position)
    return await fetch(client, call, topic, reading.positions)


def add_partitions(positions: dict[int, int], leaders: Mapping[int, int]) -> None:
    """Add the partitions that are not known yet: they did not exist, so they count from 0."""
    for partition in leaders:
        positions.setdefault(partition, 0)
