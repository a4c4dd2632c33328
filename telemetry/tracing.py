"""Traces by OpenTelemetry, where an endpoint is set and its packages are installed; otherwise nothing at all.

A run is a trace whose ids follow from the execution's id. So a step that is carried on by another worker, hours later,
is part of it, and nothing has to be stored or sent along: whoever ends a step, or a run, makes its span. What a step
calls is told the step's span in `traceparent` (https://www.w3.org/TR/trace-context/).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry.spans import Traces

logger = logging.getLogger(__name__)

#: Told how a request was answered: its route, and the status.
Answered = Callable[[str, int], None]


@dataclass(frozen=True)
class Place:
    """A run, or (with a `position`) a step of it: each is one span."""

    execution_id: object
    position: int | None = None

    @property
    def trace_id(self) -> int:
        """The id of the run's trace.

        Not the execution's id itself: samplers take an id's last 8 bytes for random, and those of a UUID are not.
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
    """What has ended. `failure` is a code, never a text; `cause` is the step that a run is the child of."""

    name: str
    began: datetime
    ended: datetime
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    failure: str | None = None
    cause: Place | None = None


_traces: Traces | None = None


def start(endpoint: str, kind: str) -> None:
    """Make traces from now on, where there is an endpoint; where the packages that takes are missing, say so."""
    if not endpoint or _traces is not None:
        return
    try:
        from telemetry import spans  # noqa: PLC0415  # needs packages that are optional
    except ImportError as missing:
        logger.warning("no traces: OTEL_EXPORTER_OTLP_ENDPOINT is set, but %s", missing)
        return
    use(spans.exporting(kind))


def use(traces: Traces | None) -> None:
    """Make these traces from now on, or none."""
    global _traces  # noqa: PLW0603  # one a process is the point
    _traces = traces


def headers_of(place: Place) -> dict[str, str]:
    """Return what a step is to say to those whom it calls: `traceparent`, or nothing."""
    return {} if _traces is None else _traces.headers_of(place)


def ended(place: Place, done: Callable[[], Done]) -> None:
    """Make the span of a run or step that has ended; `done` is asked only where traces are made. It never raises."""
    if _traces is None:
        return
    try:
        _traces.end(place, done())
    except Exception:  # what is told of the work is worth less than the work
        logger.exception("the span of %s was not made", place)


def asked_for(run: Place) -> None:
    """Note that the request in hand asked for the run."""
    if _traces is not None:
        _traces.link(run)


@contextmanager
def request(method: str, headers: Mapping[str, str]) -> Iterator[Answered]:
    """Make the span of an HTTP request, in the caller's trace where its headers name one."""
    if _traces is None:
        yield lambda _route, _status: None
        return
    with _traces.request(method, headers) as answered:
        yield answered
