"""The Mann-Whitney U test: do two samples come from the same distribution? Two-sided, ties corrected.

Sources: Mann and Whitney 1947; Lehmann, Nonparametrics (1975), chapter 1 (midranks, exact conditional distribution,
variance under ties); Kerby 2014 (rank-biserial correlation as effect size); Holm 1979 (adjustment over many tests).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

#: Up to this many values on each side the p-value is exact, also with ties; above, it is a normal approximation.
EXACT_UP_TO = 20


@dataclass(frozen=True)
class RankTest:
    """`p_value` is two-sided. `effect_size` is the rank-biserial correlation.

    It is −1 where the whole first sample is above the second, 1 where it is below, and 0 where they balance.
    """

    p_value: float
    effect_size: float


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> RankTest:
    """Compare two samples of finite numbers, each with at least one."""
    ties, rank_sum = _ranked(first, second)
    n1, n2 = len(first), len(second)
    # U of the first sample (the pairs that it wins, and half of the ties), doubled to stay a whole number.
    doubled_u = rank_sum - n1 * (n1 + 1)
    p_value = _exact(n1, ties, rank_sum) if max(n1, n2) <= EXACT_UP_TO else _normal(n1, n2, ties, doubled_u)
    return RankTest(p_value, 1 - doubled_u / (n1 * n2))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values: the chance of a false alarm among all tests is then that of a single test."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for step, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - step) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _ranked(first: Sequence[float], second: Sequence[float]) -> tuple[tuple[int, ...], int]:
    """Return how many values share each rank, in order, and the doubled sum of the first sample's midranks."""
    pooled = sorted([(value, True) for value in first] + [(value, False) for value in second])
    ties: list[int] = []
    before, rank_sum = 0, 0
    for _, group in groupby(pooled, key=lambda entry: entry[0]):
        members = [is_first for _, is_first in group]
        rank_sum += sum(members) * (2 * before + len(members) + 1)
        before += len(members)
        ties.append(len(members))
    return tuple(ties), rank_sum


def _exact(n1: int, ties: tuple[int, ...], rank_sum: int) -> float:
    """Return twice the smaller tail over all ways to choose the first sample from the pooled values."""
    counts = _rank_sum_counts(n1, ties)
    total = sum(counts)
    below, above = sum(counts[: rank_sum + 1]), sum(counts[rank_sum:])
    return min(1.0, 2 * min(below, above) / total)


@lru_cache(maxsize=64)
def _rank_sum_counts(n1: int, ties: tuple[int, ...]) -> tuple[int, ...]:
    """Return in how many ways `n1` of the pooled values have each doubled rank sum.

    The ways are the coefficients of a polynomial, one for each number of values taken, which a group of `t` ties
    multiplies by the sum of C(t, k) · x^(k · rank). Each is held as one large integer whose `width`-bit digits are
    the coefficients, so multiplying by a power of x is a shift.
    """
    width = math.comb(sum(ties), n1).bit_length() + 1
    ways = [1] + [0] * n1
    before = 0
    for tied in ties:
        shift = (2 * before + tied + 1) * width
        for taken in range(n1, 0, -1):
            ways[taken] += sum(
                math.comb(tied, k) * (ways[taken - k] << (k * shift)) for k in range(1, min(tied, taken) + 1)
            )
        before += tied
    packed, digit = ways[n1], (1 << width) - 1
    return tuple((packed >> (place * width)) & digit for place in range(packed.bit_length() // width + 1))


def _normal(n1: int, n2: int, ties: tuple[int, ...], doubled_u: int) -> float:
    """Return the normal approximation, its variance corrected for ties, with a continuity correction of ½."""
    n = n1 + n2
    tied = sum(each**3 - each for each in ties)
    variance = n1 * n2 / 12 * (n + 1 - tied / (n * (n - 1)))
    if variance <= 0:
        return 1.0  # all values are the same
    distance = max(0.0, abs(doubled_u - n1 * n2) / 2 - 0.5)
    return math.erfc(distance / math.sqrt(2 * variance))
