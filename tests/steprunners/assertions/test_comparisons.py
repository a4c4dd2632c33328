"""How JSON values compare."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.assertions.comparisons import differences, equals, order, same
from steprunners.values.json_text import ExactFloat
from steprunners.values.number_text import NumberText
from tests.steprunners.json_strategies import json_values

number_texts = st.decimals(allow_nan=False, allow_infinity=False, places=4).map(NumberText)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(json_values)
def test_a_value_is_the_same_as_its_copy(value: Any) -> None:
    assert same(value, copy.deepcopy(value))
    assert equals(value, copy.deepcopy(value))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1, 1.0),
        (0, -0.0),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}),
        (NumberText("12.50"), 12.5),
        (NumberText("0.10"), 0.1),
        (NumberText("19.90"), "19.9000"),
        (NumberText("19.90"), NumberText("19.9")),
        (NumberText("9007199254740993"), 9007199254740993),
        (NumberText("-123456789012345678901234567890"), -123456789012345678901234567890),
        ([{"total": NumberText("19.90")}], [{"total": 19.9}]),
        (ExactFloat("10.00"), 10),
        (ExactFloat("1e-99999999999999999999"), 0),
    ],
)
def test_same(actual: Any, expected: Any) -> None:
    assert same(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (True, 1),
        (1, True),
        (False, 0),
        (None, False),
        (None, 0),
        ("", None),
        ("1", 1),
        ("true", True),
        (1, "1"),
        ([1], [1, 2]),
        ([1, 2], [2, 1]),
        ({"a": 1}, {}),
        ({}, []),
        ({"a": "1"}, {"a": 1}),
        ("12.50", 12.5),
        ("9007199254740993", 9007199254740993),
        ("19.90", "19.9000"),
        (NumberText("12.51"), 12.5),
        (NumberText("12.50"), "12.5 EUR"),
        (NumberText("1.00"), True),
        (NumberText("9007199254740993"), 9007199254740992),
        (NumberText("9007199254740992.0000001"), 9007199254740992),
        (ExactFloat("9007199254740993.5"), ExactFloat("9007199254740993.4")),
        (9007199254740993, 9007199254740992.0),
        ("NaN", float("nan")),
        (float("nan"), float("nan")),
    ],
)
def test_not_the_same(actual: Any, expected: Any) -> None:
    assert not same(actual, expected)


@pytest.mark.parametrize(
    ("actual", "text"),
    [
        (5, "5"),
        (5, " 5.0 "),
        (0.1, "0.1"),
        (True, "true"),
        (False, "FALSE"),
        (9007199254740993, "9007199254740993"),
        (1e300, "1e300"),
    ],
)
def test_text_compares_as_what_the_value_is(actual: Any, text: Any) -> None:
    assert equals(actual, text)


@pytest.mark.parametrize(
    ("actual", "text"),
    [(5, "six"), (5, ""), (1, "true"), (True, "1"), (None, "null"), (5, "5.0001"), ("5", "5.0")],
)
def test_text_that_says_something_else_is_not_equal(actual: Any, text: Any) -> None:
    assert not equals(actual, text)


@given(numbers, numbers)
def test_order_agrees_with_numbers_and_is_antisymmetric(left: Any, right: Any) -> None:
    found: Any = order(left, right)
    assert order(right, left) == -found
    assert order(NumberText(left), right) == found
    if type(left) is type(right):  # a float stands for its shortest text, so against an int it may differ
        assert found == (left > right) - (left < right)


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        (1, 2, -1),
        ("10", 9, None),
        ("10", "9", -1),
        (10, "9", None),
        (NumberText("10.5"), 9, 1),
        (NumberText("10.5"), "9", 1),
        (NumberText("10.5"), "nine", None),
        ("b", "a", 1),
        ("2026-01-02", "2026-01-10", -1),
        (NumberText("0.10"), 0.1, 0),
        (NumberText("9007199254740993"), 9007199254740992, 1),
        (True, 1, None),
        ("a", 1, None),
        (None, 1, None),
        ([1], [2], None),
        (float("nan"), 1, None),
    ],
)
def test_order(left: Any, right: Any, found: Any) -> None:
    assert order(left, right) == found


values = json_values | st.from_regex(r"-?(0|[1-9]\d{0,25})(\.\d{1,25})?", fullmatch=True) | number_texts


@given(values, values)
def test_equality_is_symmetric_and_agrees_with_the_order(left: Any, right: Any) -> None:
    assert same(left, right) == same(right, left)
    found = order(left, right)
    assert order(right, left) == (None if found is None else -found)
    if found is not None:
        assert (found == 0) == same(left, right)


@given(number_texts, numbers)
def test_a_decimal_of_a_database_equals_just_its_number(text: Any, number: Any) -> None:
    is_equal = Decimal(text) == Decimal(repr(number))
    assert (same(text, number), same(text, NumberText(number))) == (is_equal, is_equal)
    assert not same(str(text), number)


def test_differences_name_path_and_both_sides() -> None:
    actual: Any = {"id": 1, "items": [{"sku": "a"}, {"sku": "b"}], "extra": True}
    expected: Any = {"id": "1", "items": [{"sku": "x"}], "name": "Ann", "first name": 1}
    assert [each.tell(("body",)) for each in differences(actual, expected)] == [
        'body.id is 1 (number), expected "1" (text)',
        'body.items[0].sku is "a", expected "x"',
        'body.items[1] is not expected: {"sku": "b"}',
        'body.name is missing, expected "Ann"',
        "body['first name'] is missing, expected 1",
        "body.extra is not expected: true",
    ]


@given(json_values, json_values)
def test_differences_and_equality_agree(left: Any, right: Any) -> None:
    assert same(left, right) == (list(differences(left, right)) == [])
