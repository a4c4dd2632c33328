"""Partial comparison with an example."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.assertions import shapes
from steprunners.assertions.shapes import SUBSET, TooManyPairs, shape_differences
from tests.steprunners.json_strategies import json_values

MARK = {SUBSET: True}
ORDER: Any = {
    "id": 7,
    "name": "Ann",
    "paid": True,
    "note": None,
    "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}],
}


def fits(actual: Any, example: Any) -> bool:
    return next(shape_differences(actual, example), None) is None


@pytest.mark.parametrize(
    "example",
    [
        {},
        {"id": 7},
        {"id": 7.0, "name": "any.string"},
        {"id": "any.number", "paid": "any.boolean", "lines": "any.array", "note": "any.value"},
        "any.object",
        "any.value",
        {"lines": [{"sku": "a"}, {"n": "any.number"}]},
        {"lines": [MARK, {"sku": "b"}]},
        {"lines": [MARK, {"sku": "b"}, {"sku": "a"}]},
        {"lines": [MARK]},
        {"lines": [{"sku": "b", SUBSET: True}]},
        {SUBSET: True, "lines": [{"sku": "b"}]},
    ],
)
def test_it_fits(example: Any) -> None:
    assert fits(ORDER, example)


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ({"id": 8}, "id is 7, expected 8"),
        ({"id": "any.string"}, 'id is 7 (number), expected "any.string"'),
        ({"paid": "any.number"}, 'paid is true (boolean), expected "any.number"'),
        ({"note": "any.object"}, 'note is null, expected "any.object"'),
        ({"missing": "any.value"}, 'missing is missing, expected "any.value"'),
        ({"lines": [{"sku": "a"}]}, "lines has 2 elements, expected 1"),
        ({"lines": [{"sku": "b"}, {"sku": "a"}]}, 'lines[0].sku is "a", expected "b"'),
        ({"lines": [MARK, {"sku": "c"}]}, 'lines has no element that matches {"sku": "c"}'),
        ({"lines": [MARK, {"sku": "a"}, {"n": 1}]}, 'lines has no element left that matches {"n": 1}'),
        ({"lines": {}}, "lines is [{"),
        ({SUBSET: False, "lines": [{"sku": "b"}]}, "lines has 2 elements, expected 1"),
        ([], "the value is {"),
    ],
)
def test_it_does_not_fit_and_says_where(example: Any, told: Any) -> None:
    first = next(shape_differences(ORDER, example))
    assert first.tell().startswith(told)


@given(json_values)
def test_every_value_has_its_own_shape(value: Any) -> None:
    assert fits(value, value) or _has_markers(value)


def _has_markers(value: Any) -> bool:
    return "any." in str(value) or SUBSET in str(value)


@given(
    st.dictionaries(st.text(max_size=3), json_values, max_size=3),
    st.dictionaries(st.text(max_size=3), json_values, max_size=3),
)
def test_extra_keys_are_allowed(example: Any, extra: Any) -> None:
    if not _has_markers(example):
        assert fits({**extra, **example}, example)


@given(st.lists(st.integers(0, 3), max_size=5), st.lists(st.sets(st.integers(0, 3), min_size=1), max_size=4))
def test_subsets_are_assigned_one_to_one_and_never_greedily(actual: Any, wanted: Any) -> None:
    """Each example is an object with the keys of a set; the elements have the keys that hold them."""
    examples = [MARK, *({str(key): "any.value" for key in keys} for keys in wanted)]
    elements = [{str(key): 1 for key in range(number + 1)} for number in actual]
    possible = any(
        all(fits(element, example) for element, example in zip(order, examples[1:], strict=False))
        for order in permutations(elements, len(wanted))
    )
    assert fits(elements, examples) == possible


def test_a_greedy_choice_does_not_take_what_another_needs() -> None:
    actual = [{"a": 1, "b": 1}, {"a": 1}]
    assert fits(actual, [MARK, {"a": 1}, {"b": 1}])
    assert fits(actual, [MARK, {"b": 1}, {"a": 1}])


def test_a_long_chain_of_exchanges_is_found() -> None:
    size = 300
    examples = [{SUBSET: True}, *({"in": "any.value", str(number): 1} for number in range(size))]
    elements = [{"in": 1, str(number): 1, str((number + 1) % size): 1} for number in range(size)]
    assert fits(elements, examples)


def test_arrays_too_long_to_compare_in_any_order_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_PAIRS", 10_000)
    with pytest.raises(TooManyPairs):
        fits(list(range(100_000)), [MARK, *range(100_000, 100_100)])
