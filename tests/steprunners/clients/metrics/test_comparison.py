"""Comparing two windows: thresholds, directions, thin data, and never a number that JSON lacks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from steprunners.clients.metrics.comparison import Comparison, compare
from steprunners.clients.metrics.series import Series


def series(values: Sequence[float], expected: int | None = None, **labels: str) -> Series:
    return Series(
        labels, [(30_000 * index, value) for index, value in enumerate(values)], expected or len(values)
    )


def compared(
    first: list[Series], second: list[Series], settings: Comparison, aggregation: Any = "avg"
) -> Any:
    return compare(first, second, settings, aggregation)


def judged(first: list[float], second: list[float], **settings: Any) -> dict[str, Any]:
    return compare([series(first)], [series(second)], Comparison.model_validate(settings), "avg")


# --- MEAN_RATIO -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "settings", "verdict"),
    [
        (100, 121, {}, "HIGH"),
        (100, 120, {}, "PASS"),
        (100, 79, {}, "LOW"),
        (100, 80, {}, "PASS"),
        (-100, -121, {}, "LOW"),
        (-100, -79, {}, "HIGH"),
        (100, 150, {"direction": "DECREASE"}, "PASS"),
        (100, 150, {"direction": "increase"}, "HIGH"),
        (100, 50, {"direction": "DECREASE"}, "LOW"),
        (100, 150, {"absoluteThreshold": 50}, "PASS"),
        (100, 150, {"absoluteThreshold": 49}, "HIGH"),
        (100, 104, {"thresholdPercent": 3}, "HIGH"),
        (100, 100.1, {"thresholdPercent": 0}, "HIGH"),
        (100, 100, {"thresholdPercent": 0}, "PASS"),
        (0, 0, {}, "PASS"),
        (0, 0.001, {}, "HIGH"),
        (0, -3, {}, "LOW"),
        (0, 3, {"absoluteThreshold": 3}, "PASS"),
        (0, 3.5, {"absoluteThreshold": 3}, "HIGH"),
    ],
)
def test_mean_ratio(before: float, after: float, settings: dict[str, Any], verdict: str) -> None:
    result = judged([before] * 3, [after] * 3, **settings)
    assert result["verdict"] == result["series"][0]["verdict"] == verdict
    assert result["anomalyDetected"] == (verdict != "PASS")
    assert (result["anomalyReason"] is None) == (verdict == "PASS")


def test_numbers_and_reason() -> None:
    result = judged([1, 2, 3], [4, 4, 1])
    assert result["percentageChange"] == pytest.approx(50)
    assert result["absoluteDifference"] == pytest.approx(1)
    assert result["anomalyReason"] == "{}: the avg rose by 50 % (more than 20 %), from 2 to 3"
    assert result["series"] == [
        {
            "metric": "", "labels": {}, "n1": 3, "n2": 3, "coverage1": 1.0, "coverage2": 1.0,
            "mean1": 2.0, "mean2": 3.0, "median1": 2.0, "median2": 4.0,
            "percentageChange": 50.0, "absoluteDifference": 1.0, "verdict": "HIGH",
        }
    ]  # fmt: skip


def test_a_baseline_of_0_has_no_percentage() -> None:
    result = judged([0, 0], [2, 2])
    assert result["percentageChange"] is None
    assert result["absoluteDifference"] == 2
    assert "from a baseline of 0" in result["anomalyReason"]


def test_the_aggregation_is_what_is_compared() -> None:
    first, second = [series([1, 1, 10])], [series([4, 4, 4])]
    assert compared(first, second, Comparison())["verdict"] == "PASS"
    assert compared(first, second, Comparison(), "max")["verdict"] == "LOW"
    assert compared(first, second, Comparison(), "min")["verdict"] == "HIGH"


def test_series_are_matched_by_label_set_and_the_others_are_listed() -> None:
    first = [series([1], path="/a", code="200"), series([1], path="/gone")]
    second = [series([1], path="/new"), series([5], code="200", path="/a")]
    result = compared(first, second, Comparison())
    assert [each["labels"] for each in result["series"]] == [{"path": "/a", "code": "200"}]
    assert result["missingSeries"] == [{"metric": "", "labels": {"path": "/gone"}}]
    assert result["newSeries"] == [{"metric": "", "labels": {"path": "/new"}}]
    assert result["verdict"] == "HIGH"


def test_the_largest_change_speaks_for_all() -> None:
    first = [series([10], path="/a"), series([10], path="/b"), series([10], path="/c")]
    second = [series([13], path="/a"), series([2], path="/b"), series([10], path="/c")]
    result = compared(first, second, Comparison())
    assert (result["verdict"], result["percentageChange"], result["absoluteDifference"]) == ("LOW", -80, -8)
    assert result["anomalyReason"] == (
        '{path="/b"}: the avg fell by 80 % (more than 20 %), from 10 to 2; and 1 more series'
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([], []),
        ([series([1])], []),
        ([], [series([1])]),
        ([series([])], [series([1])]),
        ([series([1], a="1")], [series([1], a="2")]),
    ],
)
def test_without_data_there_is_no_verdict(first: list[Series], second: list[Series]) -> None:
    result = compared(first, second, Comparison())
    assert (result["verdict"], result["anomalyDetected"], result["percentageChange"]) == (
        "NO_DATA",
        False,
        None,
    )


# --- MANN_WHITNEY ---------------------------------------------------------------------------------

LOW = [float(value) for value in range(100, 112)]
HIGH = [value + 50 for value in LOW]


def ranked(first: list[float], second: list[float], **settings: Any) -> dict[str, Any]:
    return judged(first, second, mode="mann_whitney", **settings)


def test_effect_direction_and_significance_agree() -> None:
    result = ranked(LOW, HIGH)
    assert result["verdict"] == "HIGH"
    assert result["series"][0]["effectSize"] == 1
    assert result["series"][0]["pValue"] == pytest.approx(7.396e-07, rel=1e-3)  # 2 ÷ C(24, 12)
    assert "p = 7.4e-07 is below alpha 0.02" in result["anomalyReason"]
    assert ranked(HIGH, LOW)["verdict"] == "LOW"


def test_significant_but_small_is_no_anomaly() -> None:
    result = ranked(LOW, [value + 12 for value in LOW])
    assert result["series"][0]["pValue"] < 0.001
    assert result["verdict"] == "PASS"


def test_large_but_chance_is_no_anomaly() -> None:
    # One outlier carries the mean far beyond the threshold; the ranks hardly move.
    result = ranked(LOW, [*LOW[:-1], 2_000.0])
    assert result["percentageChange"] > 20
    assert result["verdict"] == "PASS"


def test_ranks_against_the_mean_are_no_anomaly() -> None:
    # Nearly all samples fell, and the mean rose.
    result = ranked(LOW, [*[value - 50 for value in LOW[:-1]], 5_000.0])
    assert result["percentageChange"] > 20
    assert result["series"][0]["effectSize"] < 0
    assert result["verdict"] == "PASS"


def test_the_other_direction_is_no_anomaly() -> None:
    assert ranked(LOW, HIGH, direction="DECREASE")["verdict"] == "PASS"


@pytest.mark.parametrize(("count", "verdict"), [(9, "INCONCLUSIVE"), (10, "HIGH")])
def test_thin_data_is_inconclusive(count: int, verdict: str) -> None:
    result = ranked(LOW[:count], HIGH)
    assert result["verdict"] == verdict
    assert ("pValue" in result["series"][0]) == (verdict == "HIGH")


def test_holm_keeps_many_quiet_series_from_raising_an_alarm() -> None:
    first, second = [100, 101, 102, 103], [200, 201, 202, 203]  # p = 2 ÷ C(8, 4) = 0.0286
    settings = Comparison(mode="MANN_WHITNEY", min_samples=4, alpha=0.05)
    alone = compared([series(first)], [series(second)], settings)
    assert alone["verdict"] == "HIGH"
    quiet = [series([1, 2, 3, 4], name=str(number)) for number in range(4)]
    among = compared([series(first), *quiet], [series(second), *quiet], settings)
    assert among["series"][0]["pValue"] == pytest.approx(5 * 2 / 70)
    assert among["verdict"] == "PASS"


def test_one_thin_series_among_quiet_ones_is_inconclusive() -> None:
    settings = Comparison(mode="MANN_WHITNEY")
    first, second = [series(LOW, a="1"), series([1.0], a="2")], [series(LOW, a="1"), series([9.0], a="2")]
    assert compared(first, second, settings)["verdict"] == "INCONCLUSIVE"


# --- laws -----------------------------------------------------------------------------------------

any_values = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=14)


@given(
    any_values,
    any_values,
    st.sampled_from(["MEAN_RATIO", "MANN_WHITNEY"]),
    st.sampled_from(["avg", "sum", "p95"]),
)
def test_any_finite_samples_give_json(
    first: list[float], second: list[float], mode: str, aggregation: Any
) -> None:
    settings = Comparison.model_validate({"mode": mode, "minSamples": 2})
    result = compared([series(first)], [series(second)], settings, aggregation)
    json.dumps(result, allow_nan=False)


@given(any_values)
def test_a_window_does_not_differ_from_itself(values: list[float]) -> None:
    for mode in ("MEAN_RATIO", "MANN_WHITNEY"):
        assert judged(values, values, mode=mode, thresholdPercent=0)["anomalyDetected"] is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "TTEST"}, {"thresholdPercent": -1}, {"alpha": 0}, {"alpha": 1}, {"minSamples": 1},
        {"direction": "UP"}, {"onAnomaly": "IGNORE"}, {"absoluteThreshold": -1}, {"thresholdPercent": float("nan")},
        {"tolerance": 5},
    ],
)  # fmt: skip
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Comparison.model_validate(wrong)


def test_ranking_many_series_ends_with_the_steps_time() -> None:
    def over() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        compare([series(LOW)], [series(HIGH)], Comparison(mode="MANN_WHITNEY"), "avg", over)
