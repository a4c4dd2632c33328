"""JSONPath queries are right, and safe on what users write."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given

from steprunners.values import jsonpath
from steprunners.values.json_text import ExactFloat
from steprunners.values.jsonpath import compile_jsonpath
from steprunners.values.number_text import NumberText
from steprunners.values.patterns import PatternError
from tests.steprunners.json_strategies import json_values, tricky_text


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        ("$.items[*].sku", ["a", "b"]),
        ("$.items[?@.quantity > 1].sku", ["b"]),
        ("$..sku", ["a", "b"]),
        ("$.nothing", []),
        ("$.items[?@.sku == $.best].quantity", [2]),
        ("$.items[?search(@.sku, '^[ab]$')].sku", ["a", "b"]),
        ("$.items[?match(@.sku, 'A')]", []),
        ("$.items[?match(@.sku, '(')]", []),
        ("$.items[?match(@.quantity, 1)]", []),
        ("$.items[?count(@.*) == 2].sku", ["a", "b"]),
    ],
)
def test_jsonpath_selects(query: Any, selected: Any) -> None:
    order: Any = {"best": "b", "items": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}]}
    assert compile_jsonpath(query).select(order) == selected


def test_integers_beyond_2_to_the_53_are_told_apart() -> None:
    ids: Any = [{"id": 9007199254740992}, {"id": 9007199254740993}]
    assert compile_jsonpath("$[?@.id == 9007199254740993]").select(ids) == [ids[1]]


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        ("$[?@ == 9007199254740993.5]", [0]),
        ("$[?@ > 9007199254740993.4]", [0]),
        ("$[?@ == 19.9]", [1]),
        ("$[?@ == '19.9000']", [1]),
        ("$[?@ < 20]", [1]),
        ("$[?@ == '19.9']", [1, 2]),
        ("$[?@ == $[3]]", [3]),
    ],
)
def test_numbers_in_filters_are_exact_and_only_those_of_sql_are_numbers_as_text(
    query: Any, selected: Any
) -> None:
    values: Any = [ExactFloat("9007199254740993.5"), NumberText("19.90"), "19.9", [1.0, True], [True, 1]]
    assert compile_jsonpath(query).select(values) == [values[index] for index in selected]


@pytest.mark.parametrize(
    "query",
    ["", "a", "$[", "$.a b", "$[?@.a == 1e999]", "$" + "[?(" * 300, "$" + ".a" * 600, "$[?nope(@.a)]"],
)
def test_what_is_not_a_query_is_a_pattern_error(query: Any) -> None:
    with pytest.raises(PatternError):
        compile_jsonpath(query)


@pytest.mark.parametrize(("query", "singular"), [("$.a[0]", True), ("$.a[*]", False), ("$..a", False)])
def test_it_is_known_whether_a_query_can_select_more_than_one_node(query: Any, singular: Any) -> None:
    assert compile_jsonpath(query).is_singular is singular


def test_a_document_too_deep_for_descent_is_a_declared_error() -> None:
    document: Any = []
    for _ in range(900):
        document = [document]
    with pytest.raises(PatternError, match="too deeply"):
        compile_jsonpath("$..a").select(document)


def test_a_query_that_multiplies_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonpath, "MAX_NODES", 50_000)
    with pytest.raises(PatternError, match="nodes"):
        compile_jsonpath("$[?count($..*) > 0]").select([[1, 2, 3]] * 2_000)


def test_every_query_has_the_whole_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonpath, "MAX_NODES", 1_001)
    query = compile_jsonpath("$[*]")
    for _ in range(3):
        assert len(query.select([0] * 1_000)) == 1_000
    with pytest.raises(PatternError, match="more than 1001 nodes"):
        query.select([0] * 1_001)


@given(tricky_text, json_values)
def test_jsonpath_raises_nothing_else(text: Any, document: Any) -> None:
    with contextlib.suppress(PatternError):
        compile_jsonpath("$" + text).select(document)
