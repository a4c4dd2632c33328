"""The warnings of a result: what a tester should know in addition to its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from steprunners.clients.metrics.series import Series
from steprunners.clients.monitoring.windows import Span
from steprunners.clients.prometheus.range_query import Answer
from steprunners.json_types import Json


def warnings_of(answers: list[Answer], spans: list[Span], comparison: dict[str, Json] | None) -> list[str]:
    """Return the warnings of Prometheus and those about missing data, each once; each answer has one of the spans."""
    told = []
    for number, answer in enumerate(answers, 1):
        told += answer.warnings
        told += _about_window(f"duration{number}", answer.series)
    if comparison is not None:
        told += _about_comparison(spans, comparison)
    return list(dict.fromkeys(told))


def _about_window(name: str, series: list[Series]) -> list[str]:
    told = []
    if not series:
        told.append(f"{name}: the query found no series")
    if dropped := sum(each.dropped for each in series):
        told.append(f"{name}: {dropped} samples that are NaN or infinite were dropped")
    return told


_COUNTED: dict[str, Callable[[int], str]] = {
    "missingSeries": lambda count: f"{count} series of duration1 are missing in duration2",
    "newSeries": lambda count: f"{count} series of duration2 are not in duration1",
}


def _about_comparison(spans: list[Span], comparison: dict[str, Json]) -> list[str]:
    told = [
        tell(len(cast("list[Json]", comparison[key]))) for key, tell in _COUNTED.items() if comparison[key]
    ]
    if abs(spans[0].length_ms - spans[1].length_ms) > 1:
        told.append(
            f"the windows have different lengths ({spans[0].length_ms} and {spans[1].length_ms} ms), "
            "which changes a sum or a maximum"
        )
    if comparison["verdict"] in ("NO_DATA", "INCONCLUSIVE"):
        told.append(f"the comparison's verdict is {comparison['verdict']}: there is too little data to judge")
    if comparison["anomalyReason"]:
        told.append(f"anomaly: {comparison['anomalyReason']}")
    return told
