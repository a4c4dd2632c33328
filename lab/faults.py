"""Faults that an order asks for, so that each system behind the shop can be seen to fail on its own.

`{"quantity": 2, "break": "kafka-value"}` or a list of such names. A name is a system and what goes wrong there:

| fault | what the system gets |
| --- | --- |
| `SYSTEM-value` | a wrong order: status LOST, and one item more |
| `SYSTEM-missing` | nothing |
| `SYSTEM-late` | the right order, `lateMs` (5000 unless given, at most 60000) after the others |

Systems: `postgresql`, `mysql`, `mariadb`, `sqlite` (the scheme of its --sql URL), `kafka`, `redis`, `loki`, and
`metrics` (the shop's own counters at /metrics). A system that the shop does not write to may be named: nothing
happens there anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lab.orders import Order

SYSTEMS = ("postgresql", "mysql", "mariadb", "sqlite", "kafka", "redis", "loki", "metrics")
KINDS = ("value", "missing", "late")
LATE_MS = 5_000
LATEST_MS = 60_000


class UnknownFault(ValueError):
    """The order asks for a fault that there is none of; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong where: at most one kind of fault a system."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    late_ms: int = LATE_MS

    @classmethod
    def read(cls, wanted: Any, late_ms: Any = None) -> Faults:
        """Read the order's `break` (None, "", a name, a list of names) and `lateMs`; raises UnknownFault."""
        names = [wanted] if isinstance(wanted, str) else [] if wanted is None else wanted
        if not isinstance(names, list):
            raise UnknownFault("break: a name or a list of names such as kafka-late")
        late = LATE_MS if late_ms is None else late_ms
        if type(late) is not int or not 0 <= late <= LATEST_MS:
            raise UnknownFault(f"lateMs: a whole number from 0 to {LATEST_MS}")
        return cls(dict(_split(name) for name in names if name != ""), late)

    def delay_ms(self, system: str) -> int:
        """Return how much later than the others this system hears of the order."""
        return self.late_ms if self.kinds.get(system) == "late" else 0

    def as_told_to(self, system: str, order: Order) -> Order | None:
        """Return the order as this system is told it; None where it is not told."""
        match self.kinds.get(system):
            case "missing":
                return None
            case "value":
                return replace(order, status="LOST", quantity=order.quantity + 1)
        return order


def _split(name: Any) -> tuple[str, str]:
    system, _, kind = name.rpartition("-") if isinstance(name, str) else ("", "", "")
    if system not in SYSTEMS or kind not in KINDS:
        raise UnknownFault(
            f"break: {str(name)[:40]!r} is none of ({', '.join(SYSTEMS)}) followed by -{', -'.join(KINDS)}"
        )
    return system, kind
