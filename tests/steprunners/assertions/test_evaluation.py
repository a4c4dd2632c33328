"""Assertions on results."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from steprunners.assertions.evaluation import (
    NO_VALUE,
    Assertion,
    check_assertion,
    evaluate,
    evaluate_all,
)
from steprunners.assertions.operators import MAX_DIFFERENCES, OPERATORS
from steprunners.assertions.outcomes import Outcome
from steprunners.values.number_text import NumberText
from tests.steprunners.json_strategies import json_values, tricky_text

RESULT: Any = {
    "status": 500,
    "rows": [{"status": "FULFILLED", "total": NumberText("19.90")}],
    "body": {"id": "42", "name": None, "items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]},
}


def judged(field: str, operator: str, expected: Any = NO_VALUE, message: str | None = None) -> Outcome:
    return evaluate(
        Assertion(field=field, operator=operator, expected_value=expected, message=message), RESULT
    )


@pytest.mark.parametrize(
    ("field", "operator", "expected"),
    [
        ("status", "equals", 500),
        ("rows[0].status", "equals", "FULFILLED"),
        ("rows[0].total", "equals", 19.9),
        ("rows[0].total", "gt", 19),
        ("rows", "equals", [{"status": "FULFILLED", "total": 19.9}]),
        ("response.id", "equals", "42"),
        ("$.body.items[*].sku", "equals", ["a", "b"]),
        ("$.body.items[?@.n == 9]", "hasLength", 0),
        ("$.body.items[?@.n == 9]", "isEmpty", NO_VALUE),
        ("$.body.items[?@.n == 9]", "equals", []),
        ("$.body.items[?@.n == 9]", "notExists", NO_VALUE),
        ("$[?count(@.items[?@.n == 9]) == 0]", "exists", NO_VALUE),
        ("$[?count(@.items[?@.n == 1]) == 1]", "exists", NO_VALUE),
        ("body.name", "exists", NO_VALUE),
        ("body.nothing", "notExists", NO_VALUE),
        ("body.name", "equals", None),
    ],
)
def test_it_passes(field: Any, operator: Any, expected: Any) -> None:
    outcome = judged(field, operator, expected)
    assert (outcome.passed, outcome.message) == (True, None)


@pytest.mark.parametrize(
    ("field", "operator", "expected", "message"),
    [
        ("status", "equals", 201, "status is 500, expected 201"),
        ("status", "in", [200, 201], "status is 500, expected one of [200, 201]"),
        ("status", "lt", 300, "status is 500, expected less than 300"),
        (
            "status",
            "between",
            [200, 299],
            "status is 500, expected it to be between [200, 299] (both allowed)",
        ),
        ("body.id", "equals", 42, 'body.id is "42" (text), expected 42 (number)'),
        ("body.id", "gt", 41, 'body.id is "42" (text), expected more than 41 (number)'),
        ("body.id", "in", [42], 'body.id is "42" (text), expected one of [42] (number)'),
        ("body.id", "contains", 4, "4 (number, which a text cannot contain: write it in quotes)"),
        ("body.id", "notContains", 5, 'is "42" (text), expected it not to contain 5 (number'),
        ("body", "matchesShape", {"id": 42}, 'body.id is "42" (text), expected 42 (number)'),
        ("body.items", "contains", "a", '(list of object), expected it to contain "a" (text)'),
        ("$.body.items[?@.n == 1]", "hasLength", 1, "selects one node"),
        ("$.body.items[?@.n == 1].sku", "contains", "b", "selects one node"),
        ("$.body.items[?@.n == 9]", "hasLength", 1, "is [] of length 0, expected the length 1"),
        ("$.body.items[?@.n == 9]", "exists", NO_VALUE, "has no value"),
        ("$.body.items[?@.n == 9].sku", "notEquals", "a", "has no value"),
        ("$.body.items[?@.n == 9].sku", "notContains", "a", "has no value"),
        ("$.body.items[*].skuu", "notNull", NO_VALUE, "has no value"),
        ("$.body.items[*].skuu", "matchesSchema", {"required": ["x"]}, "has no value"),
        ("$.body.itmes[?@.n == 9]", "hasLength", 0, "has no value"),
        ("$.body.id[?@.n == 9]", "isEmpty", NO_VALUE, "has no value"),
        (" $.body", "exists", NO_VALUE, "begins with $, not with a space"),
        ("body.id", "startsWith", "x", 'body.id is "42", expected it to start with "x"'),
        ("body.name", "notNull", NO_VALUE, "body.name is null, expected anything but null"),
        ("body.items", "hasLength", 3, "of length 2, expected the length 3"),
        (
            "body.ids",
            "equals",
            1,
            "body.ids has no value (there is no body.ids; did you mean id?), expected 1",
        ),
        ("body.ids", "notEquals", 1, "body.ids has no value"),
        ("body.ids", "isNull", NO_VALUE, "body.ids has no value"),
        ("body.id", "notExists", NO_VALUE, 'body.id is "42", expected no value'),
        ("body.items[0]", "equals", {"sku": "x", "n": 1}, 'body.items[0].sku is "a", expected "x"'),
        ("body", "matchesShape", {"items": [{"n": 1}, {"n": 3}]}, "body.items[1].n is 2, expected 3"),
        (
            "body",
            "matchesSchema",
            {"properties": {"id": {"type": "number"}}},
            'body.id is "42", which does not satisfy type',
        ),
        ("status", "equals", NO_VALUE, "equals needs an expected value"),
        ("body.id", "matches", "(", "matches needs a regular expression"),
        ("a..b", "exists", NO_VALUE, "a..b cannot be read"),
        (
            "body",
            "matchesSchema",
            {"$ref": "#"},
            "body cannot be checked: the schema or the value is nested too deeply",
        ),
    ],
)
def test_it_fails_and_says_why(field: Any, operator: Any, expected: Any, message: Any) -> None:
    outcome = judged(field, operator, expected)
    assert not outcome.passed
    assert message in (outcome.message or "")


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_a_field_without_a_value_fails_all_but_not_exists(operator: Any) -> None:
    expected = {
        "between": [1, 2],
        "in": [],
        "notIn": [],
        "isType": "null",
        "hasLength": 0,
        "matchesSchema": True,
    }
    value = expected.get(operator, "x") if OPERATORS[operator].takes_expected else NO_VALUE
    assert judged("body.nothing", operator, value).passed is (operator == "notExists")


def test_the_users_message_comes_first() -> None:
    assert (
        judged("status", "equals", 201, "Order is created").message
        == "Order is created: status is 500, expected 201"
    )
    assert judged("status", "equals", 500, "Order is created").message is None


def test_many_differences_are_cut() -> None:
    actual: Any = {"list": list(range(100))}
    expected: Any = list(range(100, 200))
    message = evaluate(Assertion(field="list", operator="equals", expected_value=expected), actual).message
    assert message is not None
    assert message.count("; ") == MAX_DIFFERENCES
    assert message.endswith("; and more")


def test_an_outcome_on_the_wire() -> None:
    assert judged("status", "equals", 201).to_json() == {
        "field": "status",
        "operator": "equals",
        "expectedValue": 201,
        "actualValue": 500,
        "passed": False,
        "message": "status is 500, expected 201",
        "implied": False,
    }


def test_a_huge_value_is_kept_shortened() -> None:
    outcome = evaluate(Assertion(field="body", operator="isNull"), {"body": "x" * 100_000})
    assert len(json.dumps(outcome.to_json())) < 20_000
    assert len(outcome.message or "") < 300


def test_all_are_evaluated() -> None:
    assertions = [Assertion(field="status", operator="equals", expected_value=each) for each in (1, 500, 2)]
    assert [outcome.passed for outcome in evaluate_all(assertions, RESULT)] == [False, True, False]


# --- the model ------------------------------------------------------------------------------------


def test_null_is_an_expected_value_and_none_is_not() -> None:
    without = Assertion.model_validate({"field": "a", "operator": "exists"})
    null = Assertion.model_validate({"field": "a", "operator": "equals", "expectedValue": None})
    assert (without.has_expected, null.has_expected) == (False, True)
    dumps: list[dict[str, Any]] = [{"exclude_defaults": True}, {"exclude_none": False}]
    for dump in dumps:
        assert "expectedValue" not in without.model_dump(mode="json", by_alias=True, **dump)
        assert null.model_dump(mode="json", by_alias=True, **dump)["expectedValue"] is None


@given(json_values)
def test_an_assertion_goes_to_json_and_back(value: Any) -> None:
    if "\\ud" in json.dumps(value):
        return  # lone surrogates: UTF-8 has none, and pydantic writes it
    assertion = Assertion(field="a", operator="equals", expected_value=value)
    assert Assertion.model_validate(assertion.model_dump(mode="json", by_alias=True)) == assertion


def test_operators_in_another_case_are_understood() -> None:
    assert (
        Assertion.model_validate({"field": "a", "operator": "NOTEQUALS", "expectedValue": 1}).operator
        == "notEquals"
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"field": "a", "operator": "equal"}, "there is no operator 'equal'; did you mean equals"),
        ({"field": "a", "operator": 5}, "operator must be text"),
        ({"field": "a", "operator": "=="}, "there is no operator"),
        ({"field": 5, "operator": "exists"}, "valid string"),
        ({"field": "a", "operator": "exists", "expected": 1}, "Extra inputs"),
        ({"operator": "exists"}, "Field required"),
    ],
)
def test_what_is_no_assertion(raw: Any, message: Any) -> None:
    with pytest.raises(ValidationError, match=message):
        Assertion.model_validate(raw)


def test_the_schema_lists_the_operators() -> None:
    schema = Assertion.model_json_schema(by_alias=True)
    assert schema["properties"]["operator"]["enum"] == [*OPERATORS]
    assert set(schema["required"]) == {"field", "operator"}
    assert "default" not in schema["properties"]["expectedValue"]


@pytest.mark.parametrize(
    ("field", "operator", "expected", "problem"),
    [
        ("a..b", "exists", NO_VALUE, "field: "),
        ("", "exists", NO_VALUE, "field: the path is empty"),
        ("a", "matches", "(", "regular expression"),
        ("a", "equals", NO_VALUE, "needs an expected value"),
        ("rows[${index}].id", "equals", 1, None),
        ("a", "matches", "${pattern}", None),
        ("a", "between", ["${low}", 1], None),
        ("a", "between", [5, 1], "5 is above 1"),
        ("a", "isType", "$${x}", "needs one of"),
        ("response.$.a", "exists", NO_VALUE, None),
    ],
)
def test_an_assertion_is_checked_before_a_run(field: Any, operator: Any, expected: Any, problem: Any) -> None:
    found = check_assertion(Assertion(field=field, operator=operator, expected_value=expected))
    assert found is None if problem is None else problem in (found or "")


# --- laws -----------------------------------------------------------------------------------------

operators = st.sampled_from(sorted(OPERATORS))


@given(json_values)
def test_equals_is_reflexive(value: Any) -> None:
    assert evaluate(Assertion(field="x", operator="equals", expected_value=value), {"x": value}).passed


def _is_unicode(text: str) -> bool:
    return text == text.encode(errors="ignore").decode()


@given(operators, json_values, json_values, tricky_text)
def test_evaluating_never_raises(operator: Any, result: Any, expected: Any, path: Any) -> None:
    assume(_is_unicode(path))  # a field is text without half characters
    for field in (path, "$" + path, "x"):
        for value in (expected, path, [expected, expected], NO_VALUE):
            assertion = Assertion(field=field, operator=operator, expected_value=value)
            outcome = evaluate(assertion, {"x": result} if field == "x" else result)
            assert outcome.passed is (outcome.message is None)
            json.dumps(outcome.to_json())
            check_assertion(assertion)


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_documents_of_any_depth_never_raise(operator: Any) -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = {"a": [deep]}
    assertion = Assertion(field="x", operator=operator)
    for result, expected in ((deep, 1), (deep, deep), (1, deep)):
        outcome = evaluate(assertion.model_copy(update={"expected_value": expected}), {"x": result})
        assert isinstance(outcome.passed, bool)
        outcome.to_json()
