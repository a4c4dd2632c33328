"""Compares two windows of a metric, series by series (contract, section 6); the first window is the baseline.

MEAN_RATIO compares only the aggregated values. MANN_WHITNEY finds an anomaly only where three conditions hold: the
change exceeds the thresholds in the wanted direction (effect), the ranks of the samples moved in the same direction,
and that is not by chance (significance, Holm-adjusted over the tested series).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from steprunners.clients.metrics.aggregation import Aggregation, aggregate, finite, mean, median
from steprunners.clients.metrics.rank_test import holm, mann_whitney
from steprunners.clients.metrics.series import Series
from steprunners.config import UpperCase, Wire
from steprunners.json_types import Json

Verdict = Literal["PASS", "HIGH", "LOW", "NO_DATA", "INCONCLUSIVE"]


class Comparison(Wire):
    """How two windows are compared."""

    mode: Annotated[Literal["MEAN_RATIO", "MANN_WHITNEY"], UpperCase] = "MEAN_RATIO"
    threshold_percent: float = Field(20, ge=0, allow_inf_nan=False)
    direction: Annotated[Literal["EITHER", "INCREASE", "DECREASE"], UpperCase] = "EITHER"
    absolute_threshold: float = Field(
        0, ge=0, allow_inf_nan=False, description="A difference up to this is never an anomaly."
    )
    alpha: float = Field(0.02, gt=0, lt=1, description="The chance of a false alarm, for MANN_WHITNEY.")
    min_samples: int = Field(
        10, ge=2, le=100_000, description="With fewer in a window MANN_WHITNEY is INCONCLUSIVE."
    )
    on_anomaly: Annotated[Literal["FAIL", "WARN"], UpperCase] = "FAIL"


@dataclass(frozen=True)
class Pair:
    """One series in both windows. `difference` and `percentage` may be infinite; `percentage` is None at baseline 0."""

    first: Series
    second: Series
    verdict: Verdict
    difference: float | None = None
    percentage: float | None = None
    p_value: float | None = None
    effect_size: float | None = None

    @property
    def is_anomaly(self) -> bool:
        """Whether the second window differs too much from the first."""
        return self.verdict in ("HIGH", "LOW")

    @property
    def size(self) -> tuple[bool, float, float]:
        """The sort key of pairs: a difference without a percentage (the baseline is 0) is above all others."""
        no_ratio = self.percentage is None and bool(self.difference)
        return no_ratio, abs(self.percentage or 0.0), abs(self.difference or 0.0)


def compare(
    baseline: Sequence[Series],
    current: Sequence[Series],
    settings: Comparison,
    aggregation: Aggregation,
    check: Callable[[], None] = lambda: None,
) -> dict[str, Json]:
    """Return the comparison for the result, which is valid JSON for all samples.

    `check` is called for each series, and raises where the step must end: ranking many series takes seconds.
    """
    known = {series.identity: series for series in baseline}
    seen = {series.identity: series for series in current}
    pairs = [_measured(known[key], seen[key], aggregation) for key in known if key in seen]
    by_ranks = settings.mode == "MANN_WHITNEY"
    pairs = _by_ranks(pairs, settings, check) if by_ranks else _by_ratio(pairs, settings)
    anomalies = [pair for pair in pairs if pair.is_anomaly]
    largest = max(anomalies or pairs, key=lambda pair: pair.size, default=None)
    return {
        "mode": settings.mode,
        "percentageChange": _largest(pair.percentage for pair in pairs),
        "absoluteDifference": _largest(pair.difference for pair in pairs),
        "anomalyDetected": bool(anomalies),
        "anomalyReason": _reason(largest, len(anomalies), settings, aggregation)
        if largest and anomalies
        else None,
        "verdict": _overall(pairs, largest),
        "series": [_pair_json(pair) for pair in pairs],
        "missingSeries": [_label_json(known[key]) for key in known if key not in seen],
        "newSeries": [_label_json(seen[key]) for key in seen if key not in known],
    }


# --- measuring ------------------------------------------------------------------------------------


def _measured(first: Series, second: Series, aggregation: Aggregation) -> Pair:
    before, after = aggregate(aggregation, first.values), aggregate(aggregation, second.values)
    if before is None or after is None:
        return Pair(first, second, "NO_DATA")
    difference = after - before
    percentage = None if before == 0 else _percentage(difference, before, after)
    return Pair(first, second, "PASS", difference, percentage)


def _percentage(difference: float, before: float, after: float) -> float:
    if math.isinf(difference):  # too large for a double, although the ratio may not be
        return (after / abs(before) - math.copysign(1, before)) * 100
    return difference / abs(before) * 100


# --- judging --------------------------------------------------------------------------------------


def _by_ratio(pairs: list[Pair], settings: Comparison) -> list[Pair]:
    return [replace(pair, verdict=_side(pair)) if _is_beyond(pair, settings) else pair for pair in pairs]


def _by_ranks(pairs: list[Pair], settings: Comparison, check: Callable[[], None]) -> list[Pair]:
    judged = [_ranked(pair, settings, check) for pair in pairs]
    tested = [index for index, pair in enumerate(judged) if pair.p_value is not None]
    adjusted = holm([judged[index].p_value or 0.0 for index in tested])
    for index, p_value in zip(tested, adjusted, strict=True):
        pair = replace(judged[index], p_value=p_value)
        agrees = _is_beyond(pair, settings) and (pair.effect_size or 0) * (pair.difference or 0) > 0
        judged[index] = replace(pair, verdict=_side(pair)) if agrees and p_value < settings.alpha else pair
    return judged


def _ranked(pair: Pair, settings: Comparison, check: Callable[[], None]) -> Pair:
    check()
    if pair.verdict == "NO_DATA":
        return pair
    if min(len(pair.first.samples), len(pair.second.samples)) < settings.min_samples:
        return replace(pair, verdict="INCONCLUSIVE")
    test = mann_whitney(pair.first.values, pair.second.values)
    return replace(pair, p_value=test.p_value, effect_size=test.effect_size)


def _is_beyond(pair: Pair, settings: Comparison) -> bool:
    """Whether the change exceeds the thresholds in the wanted direction."""
    difference = pair.difference
    if difference is None or abs(difference) <= settings.absolute_threshold:
        return False
    if settings.direction != "EITHER" and (difference > 0) != (settings.direction == "INCREASE"):
        return False
    return pair.percentage is None or abs(pair.percentage) > settings.threshold_percent


def _side(pair: Pair) -> Verdict:
    return "HIGH" if (pair.difference or 0) > 0 else "LOW"


def _overall(pairs: list[Pair], largest: Pair | None) -> Verdict:
    if largest is not None and largest.is_anomaly:
        return largest.verdict
    verdicts = {pair.verdict for pair in pairs}
    if not verdicts - {"NO_DATA"}:
        return "NO_DATA"
    return "INCONCLUSIVE" if "INCONCLUSIVE" in verdicts else "PASS"


# --- telling --------------------------------------------------------------------------------------


def _reason(pair: Pair, anomalies: int, settings: Comparison, aggregation: Aggregation) -> str:
    before, after = aggregate(aggregation, pair.first.values), aggregate(aggregation, pair.second.values)
    rose = "rose" if pair.verdict == "HIGH" else "fell"
    if pair.percentage is None:
        change = f"by {abs(pair.difference or 0):.6g} from a baseline of 0 (more than {settings.absolute_threshold:g})"
    else:
        change = f"by {abs(pair.percentage):.4g} % (more than {settings.threshold_percent:g} %)"
    told = f"{pair.first.name()}: the {aggregation} {rose} {change}, from {before:.6g} to {after:.6g}"
    if pair.p_value is not None:
        told += f"; p = {pair.p_value:.3g} is below alpha {settings.alpha:g}"
    return told if anomalies == 1 else f"{told}; and {anomalies - 1} more series"


def _largest(numbers: Iterable[float | None]) -> float | None:
    """Return the number with the largest absolute value, with its sign."""
    return finite(max((number for number in numbers if number is not None), key=abs, default=None))


def _label_json(series: Series) -> dict[str, Json]:
    return {"metric": series.metric, "labels": series.shown_labels}


_Number = Callable[[list[float]], float | None]


def _pair_json(pair: Pair) -> dict[str, Json]:
    def both(name: str, number: _Number) -> dict[str, Json]:
        return {f"{name}1": finite(number(pair.first.values)), f"{name}2": finite(number(pair.second.values))}

    shown: dict[str, Json] = {
        **_label_json(pair.first),
        "n1": len(pair.first.samples),
        "n2": len(pair.second.samples),
        "coverage1": pair.first.coverage,
        "coverage2": pair.second.coverage,
        **both("mean", mean),
        **both("median", median),
        "percentageChange": finite(pair.percentage),
        "absoluteDifference": finite(pair.difference),
        "verdict": pair.verdict,
    }
    if pair.p_value is not None:
        shown |= {"pValue": pair.p_value, "effectSize": finite(pair.effect_size)}
    return shown
