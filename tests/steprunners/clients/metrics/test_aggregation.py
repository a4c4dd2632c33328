"""The numbers of a series, against independent implementations."""

from __future__ import annotations

import math
import statistics
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.metrics.aggregation import aggregate, finite, mean, median, quantile

numbers = st.floats(allow_nan=False, allow_infinity=False)
samples = st.lists(numbers, min_size=1, max_size=40)
KINDS = ("avg", "max", "min", "sum", "last", "p95")


@pytest.mark.parametrize(
    ("kind", "expected"), [("avg", 3.6), ("max", 10), ("min", 1), ("sum", 18), ("last", 2), ("p95", 8.6)]
)
def test_known_values(kind: str, expected: float) -> None:
    assert aggregate(kind, [1, 3, 10, 2, 2]) == pytest.approx(expected)  # type: ignore[arg-type] # one of KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_has_no_value(kind: str) -> None:
    assert aggregate(kind, []) is None  # type: ignore[arg-type] # one of KINDS


@given(samples, st.sampled_from(KINDS))
def test_is_finite_or_none(values: list[float], kind: str) -> None:
    result = aggregate(kind, values)  # type: ignore[arg-type] # one of KINDS
    assert result is None or math.isfinite(result)
    if kind != "sum":
        assert result is not None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0, 1))
def test_quantile_is_numpys(values: list[float], share: float) -> None:
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)), rel=1e-9, abs=1e-6)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_mean_and_median_are_the_standard_librarys(values: list[float]) -> None:
    assert mean(values) == pytest.approx(statistics.mean(values), rel=1e-12, abs=1e-9)
    assert median(values) == pytest.approx(statistics.median(values), rel=1e-12, abs=1e-9)


def test_mean_of_numbers_whose_sum_is_beyond_a_double() -> None:
    assert mean([1e308, 1e308, 1e308]) == 1e308
    largest = sys.float_info.max
    assert mean([largest] * 5) == largest
    assert mean([largest, largest, -largest]) == pytest.approx(largest / 3)
    assert aggregate("sum", [1e308, 1e308]) is None


def test_finite() -> None:
    assert [finite(value) for value in (1.5, None, math.inf, -math.inf, math.nan)] == [
        1.5,
        None,
        None,
        None,
        None,
    ]
