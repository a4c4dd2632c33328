"""Differences of JSON values: every one is found, none invented, each at a path that references can use."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.reports.differences import MOST_DIFFERENCES, differences

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ({"a": 1}, {"a": 2}, [{"path": "a", "left": 1, "right": 2}]),
        ({"a": 1}, {}, [{"path": "a", "left": 1}]),
        ({}, {"a": None}, [{"path": "a", "right": None}]),
        ([1, 2], [1], [{"path": "[1]", "left": 2}]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [{"path": "a[0].b", "left": 1, "right": 2}]),
        ({"content-type": {"it's": 1}}, {"content-type": {"it's": 2}},
         [{"path": "content-type['it\\'s']", "left": 1, "right": 2}]),
        ({"a.b": 1}, {"a.b": 2}, [{"path": "['a.b']", "left": 1, "right": 2}]),
        (1, True, [{"path": "", "left": 1, "right": True}]),
        (1, 1.0, []),
        ({"a": 1}, [1], [{"path": "", "left": {"a": 1}, "right": [1]}]),
    ],
)  # fmt: skip
def test_differences(left: Any, right: Any, expected: list[dict[str, Any]]) -> None:
    assert differences(left, right) == expected


@given(JSON)
def test_nothing_differs_from_itself(value: Any) -> None:
    assert differences(value, value) == []


@given(JSON, JSON)
def test_both_directions_agree(left: Any, right: Any) -> None:
    forth, back = differences(left, right), differences(right, left)
    assert {each["path"] for each in forth} == {each["path"] for each in back}


def test_capped() -> None:
    assert len(differences(list(range(1_000)), list(range(1, 1_001)))) == MOST_DIFFERENCES


def test_deeper_than_recursion_goes() -> None:
    left: Any = 1
    right: Any = 2
    for _ in range(5_000):
        left, right = [left], [right]
    [found] = differences(left, right)
    assert found["path"] == "[0]" * 5_000
