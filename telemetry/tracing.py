"""OpenTelemetry traces, if an endpoint is set and the optional packages are installed; otherwise no traces.

A run is a trace, and its ids are computed from the execution's id (`span_data`). So a step that another worker carries
on hours later belongs to the same trace, and no ids have to be stored or sent along: the worker that ends a step, or a
run, makes its span. A step sends its span in the header `traceparent` (https://www.w3.org/TR/trace-context/).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from telemetry.span_data import Answered, Done, Place

if TYPE_CHECKING:
    from telemetry.spans import Traces

logger = logging.getLogger(__name__)

__all__ = ["Answered", "Done", "Place", "asked_for", "ended", "headers_of", "request", "start", "use"]

_traces: Traces | None = None


def start(endpoint: str, kind: str) -> None:
    """Make traces from now on, if there is an endpoint; log a warning if the optional packages are missing."""
    if not endpoint or _traces is not None:
        return
    try:
        from telemetry import spans  # noqa: PLC0415  # needs optional packages
    except ImportError as missing:
        logger.warning("no traces: OTEL_EXPORTER_OTLP_ENDPOINT is set, but %s", missing)
        return
    use(spans.exporting(kind))


def use(traces: Traces | None) -> None:
    """Use these traces from now on; None makes none."""
    global _traces  # noqa: PLW0603  # one per process
    _traces = traces


def headers_of(place: Place) -> dict[str, str]:
    """Return the headers that a step sends with its calls: `traceparent`, or none."""
    return {} if _traces is None else _traces.headers_of(place)


def ended(place: Place, done: Callable[[], Done]) -> None:
    """Make the span of a run or step that has ended. It calls `done` only if traces are made, and never raises."""
    if _traces is None:
        return
    try:
        _traces.end(place, done())
    except Exception:  # a trace must never break the work that it describes
        logger.exception("the span of %s was not made", place)


def asked_for(run: Place) -> None:
    """Link the current request to the run that it started."""
    if _traces is not None:
        _traces.link(run)


@contextmanager
def request(method: str, headers: Mapping[str, str]) -> Iterator[Answered]:
    """Make the span of an HTTP request, in the caller's trace if its headers name one."""
    if _traces is None:
        yield lambda _route, _status: None
        return
    with _traces.request(method, headers) as answered:
        yield answered
