"""Assertions decide the status; extracts are read from the result."""

from __future__ import annotations

import pytest

from steprunners.json_types import Json
from steprunners.runner import Finished
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


ITEMS = Finished({"items": [{"id": "A", "qty": 2}, {"id": "B", "qty": 3}], "map": {"a b": 1, "A": 5}})


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("$.items[?@.id == ${v}].qty", "A", 2),
        ("$.items[?@.id == '${v}'].qty", "A", 2),
        ("$.items[?@.qty == ${v}].id", 3, "B"),
        ("$.items[${v}].id", 1, "B"),
        ("$.map.${v}", "a b", 1),
        ("map[${v}]", "a b", 1),
        ("map['${v}']", "a b", 1),
        ("map.${v}", "a b", 1),
        ("items[${v}].id", -1, "B"),
        ("${v}", "map.A", 5),
    ],
)
def test_references_in_paths_of_extract_and_field(path: str, value: Json, found: Json) -> None:
    rule = {"field": path, "operator": "equals", "expectedValue": found}
    ended = bench(ITEMS, extract={"x": path}, assertions=[rule], variables={"v": value}).finish()
    assert (ended.status, ended.extracted) == ("SUCCESS", {"x": found})


@pytest.mark.parametrize(
    "path", ["$.items[?@.id == ${v}]", "$.items[?@.id == '${v}']", "map[${v}]", "map.${v}"]
)
@pytest.mark.parametrize(
    "value", ["A' || @.qty == 2 || @.id == 'B", 'A" || true', "A'] || $['map", "A].id", "A.x"]
)
def test_a_value_in_a_path_is_never_its_text(path: str, value: str) -> None:
    rule = {"field": path, "operator": "notExists"}
    assert bench(ITEMS, assertions=[rule], variables={"v": value}).finish().status == "SUCCESS"
    ended = bench(ITEMS, extract={"x": path}, variables={"v": value}).finish()
    assert ended.error is not None
    assert ended.error["code"] == "extract_failed"


@pytest.mark.parametrize(
    ("path", "value"), [("map[${v}]", {}), ("map.${v}", None), ("$.items[?@.id == ${v}]", [1])]
)
def test_a_value_that_is_no_name_is_an_error_that_names_the_reference(path: str, value: Json) -> None:
    rule = {"field": path, "operator": "exists"}
    for options in ({"assertions": [rule]}, {"extract": {"x": path}}):
        ended = bench(ITEMS, variables={"v": value}, **options).finish()
        assert ended.error is not None
        assert ended.error["code"] == "bad_reference"
        assert "${v}: " in ended.error["message"]


def test_references_in_fail_if_are_names_too() -> None:
    rule = {"field": "map[${v}]", "operator": "equals", "expectedValue": 1}
    tested = bench(ITEMS, assertions=HOLDS, until={"failIf": [rule]}, variables={"v": "a b"})
    assert (tested.finish().status, tested.waits) == ("FAILED", [])


def test_the_path_of_a_secret_extract_may_hold_a_reference() -> None:
    result = Finished({"tokens": {"a b": "very-secret-token"}})
    tested = bench(result, extract={"t": {"path": "tokens[${v}]", "secret": True}}, variables={"v": "a b"})
    assert tested.finish().extracted == {"t": "very-secret-token"}
    assert "very-secret-token" in tested.work.known_secrets.texts
