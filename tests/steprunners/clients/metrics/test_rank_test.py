"""Mann-Whitney and Holm, against SciPy and against counting all the ways."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from steprunners.clients.metrics.rank_test import EXACT_UP_TO, holm, mann_whitney

distinct = st.lists(st.integers(-1_000, 1_000), min_size=2, max_size=2 * EXACT_UP_TO, unique=True)
tied = st.lists(st.integers(0, 3).map(float), min_size=1, max_size=6)


def scipys(first: list[float], second: list[float], method: str) -> float:
    return float(stats.mannwhitneyu(first, second, alternative="two-sided", method=method).pvalue)


@given(distinct, st.data())
@settings(max_examples=60)
def test_exact_without_ties_is_scipys(values: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(max(1, len(values) - EXACT_UP_TO), min(EXACT_UP_TO, len(values) - 1)))
    first, second = [float(each) for each in values[:cut]], [float(each) for each in values[cut:]]
    assert mann_whitney(first, second).p_value == pytest.approx(scipys(first, second, "exact"), rel=1e-9)


@given(tied, tied)
@settings(max_examples=60)
def test_exact_with_ties_counts_every_way_to_divide_the_values(
    first: list[float], second: list[float]
) -> None:
    pooled = first + second
    ranks = stats.rankdata(pooled)
    seen = ranks[: len(first)].sum()
    sums = [sum(ranks[list(chosen)]) for chosen in itertools.combinations(range(len(pooled)), len(first))]
    below = sum(each <= seen + 1e-9 for each in sums) / len(sums)
    above = sum(each >= seen - 1e-9 for each in sums) / len(sums)
    assert mann_whitney(first, second).p_value == pytest.approx(min(1.0, 2 * min(below, above)), rel=1e-9)


@given(
    st.lists(st.integers(0, 12).map(float), min_size=EXACT_UP_TO + 1, max_size=60),
    st.lists(st.integers(0, 12).map(float), min_size=2, max_size=60),
)
@settings(max_examples=60)
def test_large_samples_with_ties_are_scipys_asymptotic(first: list[float], second: list[float]) -> None:
    assume(len({*first, *second}) > 1)
    assert mann_whitney(first, second).p_value == pytest.approx(scipys(first, second, "asymptotic"), rel=1e-9)


@pytest.mark.parametrize("count", [5, 100])
def test_equal_values_are_no_evidence(count: int) -> None:
    result = mann_whitney([7.0] * count, [7.0] * count)
    assert (result.p_value, result.effect_size) == (1.0, 0.0)


@given(tied, tied)
def test_swapping_the_samples_turns_the_effect_round(first: list[float], second: list[float]) -> None:
    one, other = mann_whitney(first, second), mann_whitney(second, first)
    assert one.p_value == pytest.approx(other.p_value)
    assert one.effect_size == pytest.approx(-other.effect_size)


def test_effect_is_the_share_of_pairs_that_rose_less_those_that_fell() -> None:
    first, second = [1.0, 2.0, 3.0], [2.0, 4.0]
    pairs = np.sign(np.subtract.outer(second, first))
    assert mann_whitney(first, second).effect_size == pytest.approx(float(pairs.mean()))
    assert mann_whitney([1.0, 2.0], [3.0, 4.0]).effect_size == 1
    assert mann_whitney([3.0, 4.0], [1.0, 2.0]).effect_size == -1


def test_holm_on_a_worked_example() -> None:
    # Sorted 0.005 0.01 0.03 0.04, times 4 3 2 1, made monotonic.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_lies_between_the_raw_and_bonferronis(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    assert [adjusted[index] for index in order] == sorted(adjusted)
    for raw, each in zip(p_values, adjusted, strict=True):
        assert raw <= each <= min(1.0, raw * len(p_values)) or each == pytest.approx(raw)
