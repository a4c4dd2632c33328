"""Assertions decide the status; extracts are read from the result."""

from __future__ import annotations

from tests.steprunners.lifecycle.scripted import (
    BAD,
    GOOD,
    HOLDS,
    LOST,
    bench,
)


def test_a_failed_assertion_fails_the_step_and_all_outcomes_stay() -> None:
    others = [{"field": "n", "operator": "exists"}, {"field": "gone", "operator": "exists"}]
    ended = bench(BAD, assertions=[*HOLDS, *others]).finish()
    assert ended.status == "FAILED"
    assert [outcome["passed"] for outcome in ended.assertions] == [False, True, False]


def test_expected_values_may_be_references() -> None:
    rule = {"field": "n", "operator": "equals", "expectedValue": "${wanted}"}
    assert bench(GOOD, assertions=[rule], variables={"wanted": 1}).finish().status == "SUCCESS"
    assert bench(GOOD, assertions=[rule], variables={"wanted": 2}).finish().status == "FAILED"
    assert bench(GOOD, assertions=[rule]).finish().status == "ERROR"


def test_a_resolved_assertion_must_be_valid() -> None:
    rule = {"field": "n", "operator": "exists", "message": "${order}"}
    ended = bench(GOOD, assertions=[rule], variables={"order": {}}).finish()
    message = "assertion on n: message: message must be text, not an object"
    assert ended.error == {"code": "bad_config", "message": message}


def test_extract_reads_the_last_attempt() -> None:
    tested = bench(BAD, GOOD, assertions=HOLDS, extract={"x": "n"}, retry={"initialDelayMs": 0})
    assert tested.finish().extracted == {"x": 1}


def test_a_missing_extract_turns_success_into_an_error() -> None:
    ended = bench(GOOD, extract={"x": "n", "y": "gone.deep"}).finish()
    assert ended.status == "ERROR"
    assert ended.extracted == {}
    assert ended.error is not None
    assert ended.error["code"] == "extract_failed"
    assert "extract.y" in ended.error["message"]


def test_a_missing_extract_of_a_failed_step_is_left_out() -> None:
    ended = bench(BAD, assertions=HOLDS, extract={"x": "n", "y": "gone"}).finish()
    assert (ended.status, ended.extracted) == ("FAILED", {"x": 0})


def test_an_error_extracts_nothing() -> None:
    assert bench(LOST, extract={"x": "n"}).finish().extracted == {}
