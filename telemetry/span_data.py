"""What a span is made from: the run or step that it belongs to, and how that ended. It knows no OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

#: Called with the answer to a request: its route and its status.
Answered = Callable[[str, int], None]


@dataclass(frozen=True)
class Place:
    """A run, or (with a `position`) a step of it: each is one span."""

    execution_id: object
    position: int | None = None

    @property
    def trace_id(self) -> int:
        """The id of the run's trace.

        Not the execution's id itself: samplers treat the last 8 bytes of an id as random, and those of a UUID are not.
        """
        return _number(str(self.execution_id), 16)

    @property
    def span_id(self) -> int:
        """The id of the span."""
        return _number(f"{self.execution_id}:{'run' if self.position is None else self.position}", 8)


def _number(text: str, size: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=size).digest(), "big")


@dataclass(frozen=True)
class Done:
    """What has ended. `failure` is a code, never a text; `cause` is the parent step of a child run."""

    name: str
    began: datetime
    ended: datetime
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    failure: str | None = None
    cause: Place | None = None
