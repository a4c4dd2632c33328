"""Aggregates samples into one number. With finite input nothing here raises, or returns NaN or infinity."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Literal

Aggregation = Literal["avg", "max", "min", "sum", "last", "p95"]


def aggregate(kind: Aggregation, values: Sequence[float]) -> float | None:
    """Return the aggregated value; None without values, or where it is too large for a double."""
    return _AGGREGATIONS[kind](values) if values else None


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean, exactly rounded; None without values."""
    if not values:
        return None
    total = _sum(values)
    # `statistics.mean` calculates with fractions, which is slower: only for sums that are too large for a double.
    return statistics.mean(values) if total is None else total / len(values)


def median(values: Sequence[float]) -> float | None:
    """Return the median; None without values."""
    return quantile(values, 0.5) if values else None


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile by linear interpolation, as PromQL's `quantile_over_time` (type 7 of Hyndman and Fan 1996)."""
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    weight = rank - low
    if weight == 0:
        return ordered[low]
    return ordered[low] * (1 - weight) + ordered[high] * weight


def finite(value: float | None) -> float | None:
    """Return the value, or None where JSON has no number for it."""
    return value if value is not None and math.isfinite(value) else None


def _sum(values: Sequence[float]) -> float | None:
    try:
        return finite(math.fsum(values))
    except OverflowError:
        return None


_AGGREGATIONS: dict[Aggregation, Callable[[Sequence[float]], float | None]] = {
    "avg": mean,
    "max": max,
    "min": min,
    "sum": _sum,
    "last": lambda values: values[-1],
    "p95": lambda values: quantile(values, 0.95),
}
