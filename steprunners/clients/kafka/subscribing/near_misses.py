"""The messages that came closest to matching: shown where a step finds too few."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from steprunners.clients.kafka.messages import Message
from steprunners.clients.kafka.subscribing.matching import Predicate, reasons_of
from steprunners.json_types import Json
from steprunners.masking.display import show
from steprunners.masking.known_secrets import shorten

#: How many messages are kept, and how many characters of each value are shown.
NEAREST = 5
NEAREST_LENGTH = 1_000


@dataclass(order=True)
class NearMiss:
    """A message that does not match. The fewer predicates fail, the closer it is; of equal ones the latest is first.

    Its JSON is made on demand, because most near misses are replaced by closer ones.
    """

    failing: int
    order: int
    message: Message | None = field(compare=False)
    predicates: Sequence[Predicate] = field(compare=False)
    kept: Json = field(default=None, compare=False)

    def shown(self) -> Json:
        """Return the message as a result shows it."""
        if self.message is not None:
            self.kept = _shown(self.message, reasons_of(self.predicates, self.message))
            self.message = None
        return self.kept


@dataclass
class NearMisses:
    """The closest of the messages that were added, the closest first."""

    items: list[NearMiss] = field(default_factory=list)

    @classmethod
    def from_json(cls, state: Any) -> NearMisses:
        """Return the near misses that `to_json` wrote."""
        return cls([NearMiss(failing, order, None, (), shown) for failing, order, shown in state])

    def to_json(self) -> list[Json]:
        """Return them as they are stored while the step waits."""
        return [[each.failing, each.order, each.shown()] for each in self.items]

    def add(self, message: Message, predicates: Sequence[Predicate], number: int) -> None:
        """Add a message for which these predicates do not hold; `number` counts the scanned messages."""
        if len(self.items) == NEAREST and len(predicates) > self.items[-1].failing:
            return
        insort(self.items, NearMiss(len(predicates), -number, message, predicates))
        del self.items[NEAREST:]

    def merge(self, later: NearMisses) -> None:
        """Add near misses that were found later."""
        self.items = sorted([*self.items, *later.items])[:NEAREST]

    def shown(self) -> list[Json]:
        """Return them as a result shows them."""
        return [each.shown() for each in self.items]


def _shown(message: Message, reasons: list[str]) -> dict[str, Json]:
    value, encoding = message.decoded
    key, key_encoding = message.decoded_key
    if encoding == "json":
        if len(message.value_bytes or b"") > NEAREST_LENGTH:
            value = show(value, NEAREST_LENGTH)
    elif isinstance(value, str) and len(value) > NEAREST_LENGTH:
        value = shorten(value, NEAREST_LENGTH)
    return {
        "partition": message.partition,
        "offset": message.offset,
        "key": key,
        "keyEncoding": key_encoding,
        "value": value,
        "valueEncoding": encoding,
        "reason": "; ".join(reasons),
    }
