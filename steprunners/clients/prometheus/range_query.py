"""Sends one range query to Prometheus' HTTP API (`/api/v1/query_range`), and reads the matrix.

Both ends of the range are inclusive. Values arrive as text. `NaN` and infinite values are dropped and counted, because
JSON has no form for them and they would spoil every mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from steprunners.clients.metrics.series import Series
from steprunners.clients.monitoring.answers import not_understood
from steprunners.clients.monitoring.connection import MonitoringConnection
from steprunners.clients.monitoring.windows import Span
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.network import Call

PATH = "/api/v1/query_range"
#: Prometheus refuses a range of more steps than this.
MAX_STEPS = 11_000
_PRODUCT = "Prometheus"


@dataclass(frozen=True)
class RangeQuery:
    """The query, its span and its step."""

    query: str
    span: Span
    step_ms: int

    @property
    def points(self) -> int:
        """How many samples a series without a gap has."""
        return self.span.length_ms // self.step_ms + 1

    def check(self, place: str) -> None:
        """Raise BadConfig where Prometheus would refuse the number of points."""
        if self.span.length_ms // self.step_ms > MAX_STEPS:
            least = math.ceil(self.span.length_ms / MAX_STEPS / 1000)
            raise BadConfig(
                f"{place} has {self.points:,} points per series, but Prometheus returns at most {MAX_STEPS:,}: "
                f"use a step of {least}s or more, or a shorter window"
            )


@dataclass(frozen=True)
class Answer:
    """The series with at least one sample (dropped ones count), and the warnings of Prometheus."""

    series: list[Series]
    warnings: list[str]


def ask(call: Call, connection: MonitoringConnection, query: RangeQuery) -> Answer:
    """Send the query; raise StepError where it has no answer."""
    seconds = connection.patience(call.deadline.remaining())
    body = connection.ask(
        call,
        PATH,
        {
            "query": query.query,
            "start": _seconds(query.span.start_ms),
            "end": _seconds(query.span.end_ms),
            "step": _seconds(query.step_ms),
            # Nobody waits longer for the answer, so the server need not work longer on it.
            "timeout": f"{max(1, math.ceil(seconds * 1000))}ms",
        },
    )
    try:
        return _read(body, query.points)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise not_understood("it contains no matrix of samples", _PRODUCT) from error


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def _read(body: dict[str, Json], points: int) -> Answer:
    data: Any = body["data"]
    if data["resultType"] != "matrix":
        raise ValueError(data["resultType"])
    series = [_series(each, points) for each in data["result"]]
    warnings = [str(text) for key in ("warnings", "infos") for text in _list(body.get(key))]
    if any("histograms" in each for each in data["result"]):
        warnings.append("native histograms have no single value and are left out")
    return Answer(series, warnings)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _series(each: dict[str, Any], points: int) -> Series:
    samples, dropped = [], 0
    for seconds, text in each.get("values", []):
        value = float(text)
        if math.isfinite(value):
            samples.append((round(seconds * 1000), value))
        else:
            dropped += 1
    labels = {str(name): str(value) for name, value in each["metric"].items()}
    return Series(labels, samples, points, dropped)
