"""JSON Schema 2020-12, safely."""

from __future__ import annotations

import time
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from steprunners.assertions import json_schema as schemas
from steprunners.assertions.json_schema import SchemaProblem, check_schema, schema_differences
from steprunners.values.json_text import ExactFloat
from steprunners.values.number_text import NumberText
from tests.steprunners.json_strategies import json_values


def holds(value: Any, schema: Any) -> bool:
    check_schema(schema)
    return schema_differences(value, schema, 20) == []


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (True, 1, None),
        ({"type": "integer"}, 1.0, "1"),
        ({"type": "integer"}, 5, True),
        ({"required": ["id"], "properties": {"id": {"type": "string"}}}, {"id": "x"}, {}),
        ({"pattern": "^a+$"}, "aa", "b"),
        ({"patternProperties": {"^n_": {"type": "number"}}}, {"n_a": 1, "b": "x"}, {"n_a": "1"}),
        (
            {"properties": {"a": True}, "patternProperties": {"^x": True}, "additionalProperties": False},
            {"a": 1, "x1": 2},
            {"b": 1},
        ),
        ({"additionalProperties": {"type": "string"}}, {"a": "x"}, {"a": 1}),
        ({"uniqueItems": True}, [1, True, [1], [True]], [{"a": 1}, {"a": 1.0}]),
        ({"$defs": {"n": {"type": "number"}}, "items": {"$ref": "#/$defs/n"}}, [1, 2], [1, "2"]),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}, {}, []),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, {"type": "object"}, {"type": 5}),
        ({"properties": {"$schema": {"type": "string"}}}, {"$schema": "x"}, {"$schema": 1}),
        ({"const": {"$schema": "x"}}, {"$schema": "x"}, {}),
        (
            {
                "allOf": [{"properties": {"a": True}}, {"patternProperties": {"^b": True}}],
                "unevaluatedProperties": False,
            },
            {"a": 1, "b1": 2},
            {"a": 1, "c": 2},
        ),
        (
            {
                "$defs": {"x": {"properties": {"a": True}}},
                "$ref": "#/$defs/x",
                "unevaluatedProperties": {"type": "number"},
            },
            {"a": "text", "b": 1},
            {"b": "text"},
        ),
        (
            {
                "if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
                "then": {"properties": {"x": True}},
                "else": {"properties": {"y": True}},
                "unevaluatedProperties": False,
            },
            {"kind": "a", "x": 1},
            {"kind": "b", "y": 1},
        ),
        (
            {
                "dependentSchemas": {"a": {"properties": {"b": True}}},
                "properties": {"a": True},
                "unevaluatedProperties": False,
            },
            {"a": 1, "b": 1},
            {"b": 1},
        ),
    ],
)
def test_keywords(schema: Any, good: Any, bad: Any) -> None:
    assert holds(good, schema)
    if schema is not True:
        assert not holds(bad, schema)


simple_schemas = st.recursive(
    st.sampled_from(
        [
            True,
            False,
            {"type": "string"},
            {"type": "number"},
            {"type": "object"},
            {"minLength": 1},
            {"uniqueItems": True},
        ]
    ),
    lambda children: st.one_of(
        st.fixed_dictionaries(
            {},
            optional={
                "properties": st.dictionaries(st.sampled_from("abc"), children, max_size=2),
                "patternProperties": st.dictionaries(
                    st.sampled_from(["^a", "b$", "."]), children, max_size=2
                ),
                "additionalProperties": children,
                "items": children,
            },
        ),
        st.fixed_dictionaries(
            {},
            optional={
                "anyOf": st.lists(children, min_size=1, max_size=2),
                "allOf": st.lists(children, min_size=1, max_size=2),
                "if": children,
                "then": children,
                "unevaluatedProperties": children,
            },
        ),
    ),
    max_leaves=6,
)
small_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c", "ab"]), children, max_size=3)
    ),
    max_leaves=6,
)


@given(simple_schemas, small_values)
def test_it_agrees_with_the_library_where_that_is_safe(schema: Any, value: Any) -> None:
    assert holds(value, schema) == Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        (
            {"properties": {"a": {"items": {"type": "string"}}}},
            {"a": ["x", 5]},
            'a[1] is 5, which does not satisfy type: "string"',
        ),
        ({"required": ["id"]}, {}, "'id' is a required property"),
        ({"additionalProperties": False}, {"b": 1, "a": 2}, "'a', 'b' not allowed"),
        ({"properties": {"a": False}}, {"a": 5}, "is a value that the schema does not allow: 5"),
        ({"pattern": "^b"}, "a", 'is "a", which does not satisfy pattern: "^b"'),
    ],
)
def test_differences_are_told(schema: Any, value: Any, told: Any) -> None:
    assert told in schema_differences(value, schema, 20)[0].tell()


def test_no_more_than_asked() -> None:
    assert len(schema_differences([1] * 100, {"items": {"type": "string"}}, 7)) == 7


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (5, "an object or a boolean"),
        ([], "an object or a boolean"),
        ({"type": "text"}, "not a JSON Schema"),
        ({"pattern": "(?=a)"}, "RE2"),
        ({"patternProperties": {"(": True}}, "RE2"),
        ({"items": [{"type": "string"}]}, "not a JSON Schema"),
    ],
)
def test_a_bad_schema_is_found_before_a_run(schema: Any, message: Any) -> None:
    with pytest.raises(SchemaProblem, match=message):
        check_schema(schema)


def test_nothing_is_fetched() -> None:
    with pytest.raises(SchemaProblem, match="cannot be applied"):
        schema_differences({}, {"$ref": "http://127.0.0.1:1/schema.json"}, 20)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"enum": [["x"]], "$ref": "#/enum/0"},
        {"$ref": "#/nowhere"},
        {"multipleOf": 1e-300},
    ],
)
def test_a_schema_without_end_or_sense_is_a_declared_problem(schema: Any) -> None:
    check_schema(schema)
    with suppress(SchemaProblem):
        schema_differences(10**400, schema, 20)


def test_exponential_references_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "MAX_KEYWORDS", 5_000)
    defs = {f"s{level}": {"allOf": [{"$ref": f"#/$defs/s{level + 1}"}] * 2} for level in range(60)}
    schema: Any = {"$defs": {**defs, "s60": {"type": "integer"}}, "$ref": "#/$defs/s0"}
    check_schema(schema)
    started = time.monotonic()
    with pytest.raises(SchemaProblem, match="too much work"):
        schema_differences(5, schema, 20)
    assert time.monotonic() - started < 60


def test_a_hostile_pattern_takes_linear_time_also_under_another_dialect() -> None:
    started = time.monotonic()
    inner = {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "(a+)+$"}
    assert not holds({"x": "a" * 5_000 + "b"}, {"properties": {"x": inner}})
    assert not holds(
        {"a" * 5_000 + "b": 1}, {"patternProperties": {"(a+)+$": True}, "unevaluatedProperties": False}
    )
    assert time.monotonic() - started < 20


@given(json_values, json_values)
def test_any_schema_and_any_value_raise_nothing_else(schema: Any, value: Any) -> None:
    with suppress(SchemaProblem):
        check_schema(schema)
        schema_differences(value, schema, 20)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (19.99, {"multipleOf": 0.01}),
        (4.02, {"multipleOf": 0.01}),
        (0.3, {"multipleOf": 0.1}),
        (0, {"multipleOf": 0.3}),
        (1e308, {"multipleOf": 0.01}),
        (10**400, {"multipleOf": 0.5}),
        (9007199254740993, {"minimum": ExactFloat("9007199254740992.5")}),
        (ExactFloat("0.10"), {"maximum": 0.1}),
        (ExactFloat("9007199254740993.0"), {"const": 9007199254740993}),
        (1, {"enum": [True, 1.0]}),
        ([1, True, 0, False], {"uniqueItems": True}),
        (1.0, {"type": "integer"}),
        ("1", {"minimum": 5, "multipleOf": 2}),
        (True, {"minimum": 5, "multipleOf": 2}),
    ],
)
def test_numbers_are_exact(value: Any, schema: Any) -> None:
    assert schema_differences(value, schema, 5) == []


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (0.35, {"multipleOf": 0.1}),
        (9007199254740993, {"multipleOf": 2}),
        (ExactFloat("1e-99999999999"), {"multipleOf": 0.01}),
        (9007199254740993, {"maximum": 9007199254740992.0}),
        (ExactFloat("9007199254740993.5"), {"exclusiveMaximum": ExactFloat("9007199254740993.5")}),
        (9007199254740993, {"const": 9007199254740992.0}),
        (True, {"enum": [1]}),
        ([1, 1.0], {"uniqueItems": True}),
        ([{"a": [ExactFloat("1.00")]}, {"a": [1]}], {"uniqueItems": True}),
        (ExactFloat("9007199254740993.5"), {"type": "integer"}),
        (NumberText("5"), {"type": "number"}),
    ],
)
def test_numbers_are_not_rounded(value: Any, schema: Any) -> None:
    assert len(schema_differences(value, schema, 5)) == 1


@given(st.decimals(-(10**9), 10**9, places=4), st.decimals("0.0001", 1000, places=4))
def test_a_multiple_is_one(value: Decimal, divisor: Decimal) -> None:
    number, step = ExactFloat(str(value)), ExactFloat(str(divisor))
    expected = int(value.scaleb(4)) % int(divisor.scaleb(4)) == 0
    assert (schema_differences(number, {"multipleOf": step}, 1) == []) is expected
