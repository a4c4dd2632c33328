"""Fetches the log lines of a span, page after page (`/loki/api/v1/query_range`), oldest first.

Times are sent as integer nanoseconds; the start is inclusive, the end exclusive. A page has the oldest lines of all
streams together. Lines of the same nanosecond may be split between two pages, so the lines of the last nanosecond of a
full page are taken from the next page. How many lines Loki returns at once is its own setting, which it names when it
refuses to return more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from steprunners.clients.monitoring.answers import not_understood
from steprunners.clients.monitoring.connection import MonitoringConnection
from steprunners.clients.monitoring.windows import Span
from steprunners.errors import BadConfig, Refused
from steprunners.json_types import Json
from steprunners.network import Call

PATH = "/loki/api/v1/query_range"
PAGE = 1_000
_NS_PER_MS = 1_000_000
#: "max entries limit per query exceeded, limit > max_entries_limit_per_query (1000 > 500)", or max_entries_limit
_TOO_MANY = re.compile(r"max_entries_limit\w* \(\d{1,18} > (\d{1,18})\)")


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
    """The lines in time order, how many bytes Loki read for them, and warnings for the tester.

    `is_incomplete` says that lines between them may be missing.
    """

    lines: list[Line] = field(default_factory=list)
    scanned_bytes: int = 0
    warnings: list[str] = field(default_factory=list)
    is_incomplete: bool = False

    def lacks_lines_of(self, at: int, count: int) -> None:
        """Note that Loki has this many lines of the nanosecond `at`, or more, and returns no more of them."""
        self.is_incomplete = True
        self.warnings.append(
            f"Loki has {count:,} or more lines of the nanosecond {at}, and returns no more at once "
            "(max_entries_limit_per_query): some may be missing"
        )


def fetch(call: Call, connection: MonitoringConnection, query: str, span: Span, limit: int) -> Found:
    """Return up to `limit` lines; raise StepError where Loki does not answer."""
    reader, found = _Reader(call, connection, query), Found()
    start, end = span.start_ms * _NS_PER_MS, span.end_ms * _NS_PER_MS
    while start < end and (wanted := limit - len(found.lines)) > 0:
        page = reader.page(start, end, min(PAGE, wanted))
        if not page.is_full or len(page.lines) >= wanted:
            found.lines += page.lines
            break
        last = page.lines[-1].at
        complete = [line for line in page.lines if line.at < last]
        if complete:
            found.lines += complete
            start = last
            continue
        page = reader.page(last, last + 1, wanted)  # the whole page is of one nanosecond: fetch that alone
        found.lines += page.lines
        if page.is_full and len(page.lines) < wanted:
            found.lacks_lines_of(last, len(page.lines))
        start = last + 1
    del found.lines[limit:]
    found.scanned_bytes = reader.scanned_bytes
    return found


@dataclass(frozen=True)
class _Page:
    lines: list[Line]
    #: Whether there are as many lines as were asked for, so that there may be more.
    is_full: bool


@dataclass
class _Reader:
    """Asks for pages, and learns from Loki's refusal how large they may be (`max_entries_limit_per_query`)."""

    call: Call
    connection: MonitoringConnection
    query: str
    largest: int | None = None
    scanned_bytes: int = 0

    def page(self, start: int, end: int, size: int) -> _Page:
        """Return the oldest lines from `start` to `end`; as many as Loki allows where that is less than `size`."""
        size = min(size, self.largest or size)
        try:
            return self._asked(start, end, size)
        except Refused as refusal:
            self.largest = _allowed(refusal, size)
            return self._asked(start, end, self.largest)

    def _asked(self, start: int, end: int, size: int) -> _Page:
        lines, scanned = _page(self.call, self.connection, self.query, start, end, size)
        self.scanned_bytes += scanned
        return _Page(lines, len(lines) >= size)


def _allowed(refusal: Refused, asked: int) -> int:
    """Return the page size that the refusal names; raise the refusal where it is about something else."""
    match = _TOO_MANY.search(refusal.message)
    if match is None or not 0 < int(match[1]) < asked:
        raise refusal
    return int(match[1])


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
