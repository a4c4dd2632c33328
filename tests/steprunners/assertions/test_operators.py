"""Operators: their tests on values that exist, and the expected values they take."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.assertions.operators import OPERATORS, operator_problem
from steprunners.values.json_text import ExactFloat
from steprunners.values.number_text import NumberText
from tests.steprunners.json_strategies import json_values, tricky_text


@pytest.mark.parametrize(
    ("actual", "operator", "expected"),
    [
        (201, "equals", 201),
        (201, "equals", "201"),
        ("42", "notEquals", 42),
        ("a shop order", "contains", "shop"),
        ([1, {"a": 2}], "contains", {"a": 2.0}),
        ([200, 201], "contains", "201"),
        ({"id": 1}, "contains", "id"),
        ({"id": 1}, "notContains", "name"),
        ([1, None], "notContains", "2"),
        ([None], "notContains", 5),
        ([], "notContains", 5),
        (["a", 1], "notContains", 2),
        ("order", "startsWith", "or"),
        ("order", "endsWith", "er"),
        ("ord-42", "matches", r"\d+$"),
        ("ord-42", "notMatches", r"^\d"),
        (3, "gt", 2),
        (NumberText("19.90"), "gt", 19),
        (NumberText("19.90"), "gt", "9"),
        (NumberText("19.90"), "in", ["19.9000"]),
        ([NumberText("19.90")], "contains", 19.9),
        (NumberText("19.90"), "between", ["9", 100]),
        (NumberText("19.90"), "matchesShape", "any.number"),
        (NumberText("19.90"), "isType", "number"),
        (NumberText("19.90"), "isType", "string"),
        (NumberText("9007199254740993"), "isType", "integer"),
        ("12.50", "notEquals", 12.5),
        ("12.50", "notIn", [12.5]),
        ("1", "between", ["1", "2"]),
        (3, "gte", "3"),
        (2.5, "lt", 3),
        ("a", "lt", "b"),
        (3, "lte", 3),
        (5, "between", [5, 9]),
        (9, "between", ["5", 9.0]),
        ("b", "between", ["a", "c"]),
        (201, "in", [200, 201]),
        (201, "in", ["200", "201"]),
        (404, "notIn", [200, 201]),
        (None, "exists", None),
        (None, "isNull", None),
        (0, "notNull", None),
        ("", "isEmpty", None),
        ([], "isEmpty", None),
        (None, "isEmpty", None),
        (0, "notEmpty", None),
        (False, "notEmpty", None),
        ("a", "isType", "string"),
        (1.5, "isType", "number"),
        (1, "isType", "number"),
        (1.0, "isType", "integer"),
        (False, "isType", "boolean"),
        ({}, "isType", "object"),
        ([], "isType", "array"),
        (None, "isType", "null"),
        ("für", "hasLength", 3),
        ([1, 2], "hasLength", "2"),
        ({"a": 1}, "hasLength", 1.0),
        ({"a": 1}, "matchesSchema", {"type": "object"}),
        ({"a": 1, "b": 2}, "matchesShape", {"a": "any.number"}),
    ],
)
def test_it_holds(actual: Any, operator: Any, expected: Any) -> None:
    assert OPERATORS[operator].test(actual, expected)


@pytest.mark.parametrize(
    ("actual", "operator", "expected"),
    [
        (True, "equals", 1),
        ("42", "equals", 42),
        (["10"], "contains", 10),
        ("42", "contains", 4),
        (42, "contains", "4"),
        (None, "startsWith", "n"),
        (201, "matches", "201"),
        (3, "gt", 3),
        ("a", "gt", 1),
        (None, "lte", 1),
        (True, "gte", 1),
        (4, "between", [5, 9]),
        (True, "in", [1]),
        (False, "isNull", None),
        (None, "notEmpty", None),
        (1.5, "isType", "integer"),
        (True, "isType", "number"),
        (5, "hasLength", 1),
        (None, "hasLength", 0),
        ("12.50", "gt", 1),
        ("12.50", "between", [1, 20]),
        ("12.50", "in", [12.5]),
        ("10", "gt", "9"),
        (NumberText("19.90"), "notEquals", "19.9000"),
        (NumberText("19.90"), "notIn", [19.9]),
        (NumberText("19.90"), "isType", "integer"),
        (ExactFloat("9007199254740993.5"), "isType", "integer"),
    ],
)
def test_it_does_not_hold(actual: Any, operator: Any, expected: Any) -> None:
    assert not OPERATORS[operator].test(actual, expected)


@pytest.mark.parametrize(
    ("actual", "negative", "expected"),
    [
        ("order 42", "notContains", 43),
        (5, "notContains", "6"),
        (None, "notContains", "6"),
        ({"id": 1}, "notContains", 1),
        (["42"], "notContains", 43),
        ([{"id": 1}], "notContains", 1),
        (42, "notMatches", "5"),
        (None, "notMatches", "5"),
    ],
)
def test_no_negation_holds_because_of_types(actual: Any, negative: Any, expected: Any) -> None:
    positive = "contains" if negative == "notContains" else "matches"
    assert OPERATORS[negative].test(actual, expected) is None
    assert OPERATORS[positive].test(actual, expected) is None
    assert OPERATORS[negative].types(actual, expected) is not None


@pytest.mark.parametrize(
    ("operator", "expected", "problem"),
    [
        ("startsWith", 5, "startsWith needs text, not 5"),
        ("matches", "(", "matches needs a regular expression"),
        ("matches", None, "matches needs text"),
        ("notMatches", "(?<=a)b", "RE2"),
        ("gt", [1], "gt needs a number or text"),
        ("lt", True, "lt needs a number or text"),
        ("between", [1], "between needs a list [low, high]"),
        ("between", 5, "between needs a list [low, high]"),
        ("between", [2, 1], "2 is above 1"),
        ("in", "abc", "in needs a list"),
        ("isType", "str", "did you mean string?"),
        ("isType", 5, "isType needs one of string"),
        ("hasLength", -1, "hasLength needs a length"),
        ("hasLength", 1.5, "hasLength needs a length"),
        ("hasLength", "x", "hasLength needs a length"),
        ("hasLength", True, "hasLength needs a length"),
        ("hasLength", float("inf"), "hasLength needs a length"),
        ("matchesSchema", {"type": "text"}, "matchesSchema needs a JSON Schema 2020-12"),
        ("exists", False, "exists takes no expected value"),
        ("isEmpty", "x", "isEmpty takes no expected value"),
    ],
)
def test_expected_values_that_an_operator_cannot_use(operator: Any, expected: Any, problem: Any) -> None:
    assert problem in (operator_problem(operator, given=True, expected=expected) or "")


def test_an_expected_value_is_needed_or_not() -> None:
    assert operator_problem("equals", given=False, expected=None) == "equals needs an expected value"
    assert operator_problem("equals", given=True, expected=None) is None
    assert operator_problem("exists", given=False, expected=None) is None
    assert operator_problem("exists", given=True, expected=True) is None


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("equals", "notEquals"),
        ("contains", "notContains"),
        ("matches", "notMatches"),
        ("in", "notIn"),
        ("exists", "notExists"),
        ("isNull", "notNull"),
        ("isEmpty", "notEmpty"),
    ],
)
@given(actual=json_values, expected=json_values | tricky_text | st.lists(json_values, max_size=3))
def test_pairs_are_complements(positive: Any, negative: Any, actual: Any, expected: Any) -> None:
    if operator_problem(positive, given=True, expected=expected) is None:
        holds, does_not = (OPERATORS[name].test(actual, expected) for name in (positive, negative))
        assert (holds is None) == (does_not is None)
        assert holds is None or holds != does_not


@given(json_values, st.integers() | st.floats(allow_nan=False, allow_infinity=False) | tricky_text)
def test_at_least_is_more_or_neither_more_nor_less(actual: Any, expected: Any) -> None:
    gt, gte, lt, lte = (OPERATORS[name].test(actual, expected) for name in ("gt", "gte", "lt", "lte"))
    assert not (gt and lt)
    if gt is None:
        assert (gte, lt, lte) == (None, None, None)
    else:
        assert (gte, lte) == (not lt, not gt)
