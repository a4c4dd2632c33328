"""Fetches the log lines of a span, page after page (`/loki/api/v1/query_range`), oldest first.

Times are sent as integer nanoseconds; the start is inclusive, the end exclusive. A page has the oldest lines of all
streams together. Lines of the same nanosecond may be split between two pages, so the lines of the last nanosecond of a
full page are taken from the next page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from steprunners.clients.monitoring.answers import not_understood
from steprunners.clients.monitoring.connection import MonitoringConnection
from steprunners.clients.monitoring.windows import Span
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.network import Call

PATH = "/loki/api/v1/query_range"
PAGE = 1_000
#: The most lines that Loki returns at once, in its default configuration.
LARGEST_PAGE = 5_000
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Line:
    """One log line; `at` is in nanoseconds since the epoch."""

    at: int
    text: str
    labels: dict[str, str]

    def to_json(self) -> dict[str, Json]:
        """Return the line for the result."""
        return {"timestamp": self.at // _NS_PER_MS, "line": self.text, "labels": dict(self.labels)}


@dataclass
class Found:
    """The lines in time order, how many bytes Loki read for them, and warnings for the tester."""

    lines: list[Line] = field(default_factory=list)
    scanned_bytes: int = 0
    warnings: list[str] = field(default_factory=list)


def fetch(call: Call, connection: MonitoringConnection, query: str, span: Span, limit: int) -> Found:
    """Return up to `limit` lines; raise StepError where Loki does not answer."""
    found = Found()
    start, end = span.start_ms * _NS_PER_MS, span.end_ms * _NS_PER_MS
    size = min(PAGE, limit)
    while start < end and len(found.lines) < limit:
        page, scanned = _page(call, connection, query, start, end, size)
        found.scanned_bytes += scanned
        if len(page) < size or len(found.lines) + len(page) >= limit:
            found.lines += page
            break
        last = page[-1].at
        complete = [line for line in page if line.at < last]
        if not complete and size < LARGEST_PAGE:
            size = LARGEST_PAGE  # the whole page is of one nanosecond: a larger page may get past it
            continue
        if not complete:
            found.warnings.append(
                f"Loki has {LARGEST_PAGE:,} or more lines of the same nanosecond: some may be missing"
            )
        found.lines += complete or page
        start, size = (last if complete else last + 1), min(PAGE, limit)
    del found.lines[limit:]
    return found


def _page(
    call: Call, connection: MonitoringConnection, query: str, start: int, end: int, size: int
) -> tuple[list[Line], int]:
    body = connection.ask(
        call,
        PATH,
        {"query": query, "start": str(start), "end": str(end), "limit": str(size), "direction": "forward"},
    )
    try:
        return _read(body)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise not_understood("it contains no streams of log lines", "Loki") from error


def _read(body: dict[str, Json]) -> tuple[list[Line], int]:
    data: Any = body["data"]
    if data["resultType"] in ("matrix", "vector", "scalar"):
        raise BadConfig(
            "meta.query computes numbers, but this step reads log lines: remove the functions around the selector"
        )
    if data["resultType"] != "streams":
        raise ValueError(data["resultType"])
    lines = [line for stream in data["result"] or [] for line in _lines(stream)]
    summary = (data.get("stats") or {}).get("summary") or {}
    # Sorting is stable: within a nanosecond the streams keep their order, and the lines of a stream keep theirs.
    return sorted(lines, key=lambda line: line.at), int(summary.get("totalBytesProcessed") or 0)


def _lines(stream: dict[str, Any]) -> list[Line]:
    labels = {str(name): str(value) for name, value in stream["stream"].items()}
    # A third element, if any, is structured metadata.
    return [Line(int(value[0]), str(value[1]), labels) for value in stream["values"]]
