"""The messages that came closest to what a step looks for: shown where it finds too few."""

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

#: How many are kept, and how much of each value is shown, in characters.
NEAREST = 5
NEAREST_LENGTH = 1_000


@dataclass(order=True)
class NearMiss:
    """A message that is not it; the fewer predicates fail the closer, of equally close ones the latest first.

    How it is shown is found out when it is asked for: most are replaced by closer ones before.
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
        """Return what `to_json` gave."""
        return cls([NearMiss(failing, order, None, (), shown) for failing, order, shown in state])

    def to_json(self) -> list[Json]:
        """Return them as they are stored over a wait."""
        return [[each.failing, each.order, each.shown()] for each in self.items]

    def add(self, message: Message, predicates: Sequence[Predicate], number: int) -> None:
        """Add the message that was looked at as the `number`th, for which these predicates do not hold."""
        if len(self.items) == NEAREST and len(predicates) > self.items[-1].failing:
            return
        insort(self.items, NearMiss(len(predicates), -number, message, predicates))
        del self.items[NEAREST:]

    def merge(self, later: NearMisses) -> None:
        """Add those that were found later."""
        self.items = sorted([*self.items, *later.items])[:NEAREST]

    def shown(self) -> list[Json]:
        """Return them as a result shows them."""
        return [each.shown() for each in self.items]


def _shown(message: Message, reasons: list[str]) -> dict[str, Json]:
    value, encoding = message.decoded
    if encoding == "json":
        if len(message.value_bytes or b"") > NEAREST_LENGTH:
            value = show(value, NEAREST_LENGTH)
    elif isinstance(value, str) and len(value) > NEAREST_LENGTH:
        value = shorten(value, NEAREST_LENGTH)
    return {
        "partition": message.partition,
        "offset": message.offset,
        "key": message.key,
        "value": value,
        "reason": "; ".join(reasons),
    }
