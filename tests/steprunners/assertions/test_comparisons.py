"""How JSON values compare."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.assertions.comparisons import database_number, differences, equals, order, same
from tests.steprunners.json_strategies import json_values

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
        ("12.50", 12.5),
        ("0.10", 0.1),
        ("9007199254740993", 9007199254740993),
        ("-123456789012345678901234567890", -123456789012345678901234567890),
        ([{"total": "19.90"}], [{"total": 19.9}]),
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
        ("12.51", 12.5),
        ("9007199254740993", 9007199254740992),
        ("9007199254740992.0000001", 9007199254740992),
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
    assert order(str(left), right) == found
    if type(left) is type(right):  # a float stands for its shortest text, so against an int it may differ
        assert found == (left > right) - (left < right)


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        (1, 2, -1),
        ("10", 9, 1),
        ("10", "9", 1),
        (10, "9", 1),
        ("b", "a", 1),
        ("2026-01-02", "2026-01-10", -1),
        ("0.10", 0.1, 0),
        ("9007199254740993", 9007199254740992, 1),
        (True, 1, None),
        ("a", 1, None),
        (None, 1, None),
        ([1], [2], None),
        (float("nan"), 1, None),
    ],
)
def test_order(left: Any, right: Any, found: Any) -> None:
    assert order(left, right) == found


@pytest.mark.parametrize("text", ["42", "9007199254740992", "1e3", "", ".5", "5.", "x", "+1.5", "٣.٣"])
def test_texts_that_no_database_writes_for_a_number(text: Any) -> None:
    assert database_number(text) is None


def test_differences_name_path_and_both_sides() -> None:
    actual: Any = {"id": 1, "items": [{"sku": "a"}, {"sku": "b"}], "extra": True}
    expected: Any = {"id": "1", "items": [{"sku": "x"}], "name": "Ann", "first name": 1}
    assert [each.tell(("body",)) for each in differences(actual, expected)] == [
        'body.id is 1, expected "1"',
        'body.items[0].sku is "a", expected "x"',
        'body.items[1] is not expected: {"sku": "b"}',
        'body.name is missing, expected "Ann"',
        "body['first name'] is missing, expected 1",
        "body.extra is not expected: true",
    ]


@given(json_values, json_values)
def test_differences_and_equality_agree(left: Any, right: Any) -> None:
    assert same(left, right) == (list(differences(left, right)) == [])
