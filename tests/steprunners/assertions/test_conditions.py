"""Conditions."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.assertions.conditions import (
    OTHER_NAMES,
    Comparison,
    ConditionError,
    check_condition,
    comparisons,
    evaluate_condition,
    parse_condition,
)
from steprunners.references.resolution import (
    CutReference,
    ReferenceProblem,
    ReferenceSyntaxError,
    Scope,
    StepView,
    UnresolvedReference,
)
from steprunners.values.number_text import NumberText
from tests.steprunners.json_strategies import json_values

SCOPE = Scope(
    variables={"quantity": 5, "name": "Ann", "nothing": None},
    steps={"create": StepView(result={"status": 201}), "cut": StepView(result={}, truncated=True)},
)


def compare(left: object, operator: str, right: object) -> Any:
    return {"left": left, "operator": operator, "right": right}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (compare("${quantity}", ">", 3), True),
        (compare("${quantity}", ">=", 5), True),
        (compare("${quantity}", "<", 5), False),
        (compare("${quantity}", "<=", "5"), True),
        (compare("${create.status}", "==", 201), True),
        (compare("${create.status}", "eq", "201"), True),
        (compare("${create.status}", "!=", 201), False),
        (compare("${create.status}", "ne", 500), True),
        (compare("${name}", "matches", "^A"), True),
        (compare("${name} ${quantity}", "equals", "Ann 5"), True),
        (compare(5, "equals", "${quantity}"), True),
        ({"left": "${nothing}", "operator": "exists"}, True),
        ({"left": "${missing}", "operator": "exists"}, False),
        ({"left": "${missing}", "operator": "notExists"}, True),
        ({"left": "${create.body.id}", "operator": "notExists"}, True),
        ({"not": compare(1, "==", 1)}, False),
        ({"all": [compare(1, "==", 1), compare(1, "==", 2)]}, False),
        ({"any": [compare(1, "==", 2), compare(1, "==", 1)]}, True),
        ({"not": {"any": [{"all": [compare(1, "==", 2)]}]}}, True),
    ],
)
def test_conditions(condition: Any, holds: Any) -> None:
    assert evaluate_condition(condition, SCOPE) is holds
    assert evaluate_condition(parse_condition(condition), SCOPE) is holds


def test_a_guard_keeps_the_rest_from_being_judged() -> None:
    exists: Any = {"left": "${missing}", "operator": "exists"}
    equals = compare("${missing}", "==", 1)
    assert evaluate_condition({"all": [exists, equals]}, SCOPE) is False
    assert evaluate_condition({"any": [{"not": exists}, equals]}, SCOPE) is True


def test_a_missing_left_is_an_error_for_other_operators() -> None:
    with pytest.raises(ConditionError, match="nothing is called missing"):
        evaluate_condition(compare("${missing}", "==", 1), SCOPE)


@pytest.mark.parametrize(
    ("condition", "error"),
    [
        (compare(1, "==", "${missing}"), UnresolvedReference),
        (compare("${", "==", 1), ReferenceSyntaxError),
        ({"left": "${cut.body}", "operator": "exists"}, CutReference),
        (compare(1, "matches", "("), ConditionError),
        (compare({}, "matchesSchema", {"$ref": "#"}), ConditionError),
    ],
)
def test_other_errors_are_not_missing_values(condition: Any, error: Any) -> None:
    with pytest.raises(error):
        evaluate_condition(condition, SCOPE)


@pytest.mark.parametrize(
    ("condition", "path", "message"),
    [
        ([], (), "a condition must be"),
        (None, (), "a condition must be"),
        ({}, ("left",), "required"),
        ({"left": 1, "operator": "=~"}, ("operator",), "there is no operator"),
        ({"left": 1, "operator": "equal"}, ("operator",), "did you mean equals"),
        ({"left": 1, "operator": "==", "rigth": 1}, ("rigth",), "Extra"),
        ({"all": []}, ("all",), "at least 1"),
        ({"all": [{"any": [{"not": {"left": 1}}]}]}, ("all", 0, "any", 0, "not", "operator"), "required"),
        ({"all": [compare(1, "==", 1)], "any": []}, ("any",), "Extra"),
    ],
)
def test_what_is_no_condition(condition: Any, path: Any, message: Any) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(condition)
    assert caught.value.path == path
    assert message in caught.value.message


def test_nesting_has_an_end() -> None:
    condition = compare(1, "==", 1)
    for _ in range(50_000):
        condition = {"not": condition}
    with pytest.raises(ConditionError, match="nested more than"):
        parse_condition(condition)
    while "not" in condition:  # taken apart by hand: freeing it at once would be as deep
        condition = condition.pop("not")


def test_conditions_are_checked_before_a_run() -> None:
    check_condition({"all": [compare("${x}", "matches", "^a"), compare("${x}", "isType", "${t}")]})
    with pytest.raises(ConditionError, match="regular expression"):
        check_condition({"not": compare("${x}", "matches", "(")})
    with pytest.raises(ConditionError, match="needs an expected value"):
        check_condition({"left": "${x}", "operator": "=="})


def test_comparisons_are_listed_in_order() -> None:
    parsed = parse_condition(
        {"all": [compare(1, "==", 1), {"not": compare(2, "==", 2)}, {"any": [compare(3, "==", 3)]}]}
    )
    assert [each.left for each in comparisons(parsed)] == [1, 2, 3]


def test_null_on_the_right_is_kept() -> None:
    without = Comparison.model_validate({"left": 1, "operator": "exists"})
    assert without.model_dump() == {"left": 1, "operator": "exists"}
    assert Comparison.model_validate(compare(1, "eq", None)).model_dump() == compare(1, "equals", None)


@given(json_values, st.sampled_from([*OTHER_NAMES, "contains", "in", "matches", "isEmpty"]), json_values)
def test_a_condition_is_true_or_false_or_a_declared_error(left: Any, operator: Any, right: Any) -> None:
    condition = compare(left, operator, right)
    try:
        held = evaluate_condition(condition, SCOPE)
    except (ConditionError, ReferenceProblem):
        return
    # Both are false where the types do not fit.
    assert not (held and evaluate_condition({"not": condition}, SCOPE))
    assert evaluate_condition({"not": {"not": condition}}, SCOPE) is held


@given(json_values)
def test_any_json_is_a_condition_or_a_declared_error(value: Any) -> None:
    with suppress(ConditionError):
        parse_condition(value)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (compare("${price}", "==", 12.5), False),
        (compare("${price}", "!=", 12.5), True),
        (compare("${price}", ">", 12), False),
        ({"not": compare("${price}", ">", 100)}, False),
        (compare("${total}", "==", "19.9000"), True),
        (compare("${total}", "!=", 19.9), False),
        (compare("${total}", ">", 9), True),
        (compare("${total}", "in", ["19.9"]), True),
        ({"any": [compare("${price}", ">", 12), compare("${total}", ">", 9)]}, True),
        ({"not": {"all": [compare("${price}", ">", 12), compare("${total}", ">", 9)]}}, False),
        ({"not": {"all": [compare("${price}", ">", 12), compare("${total}", "<", 9)]}}, True),
        (compare("${lines.$[?@.n > 5]}", "hasLength", 0), True),
        (compare("${lines.$[?@.n > 5]}", "notExists", None), True),
        (compare("${lines.$[?@.n > 0]}", "hasLength", 2), True),
    ],
)
def test_only_what_is_known_to_be_a_number_compares_as_one(condition: Any, holds: Any) -> None:
    values: Any = {"price": "12.50", "total": NumberText("19.90"), "lines": [{"n": 1}, {"n": 2}]}
    assert evaluate_condition(condition, Scope(variables=values)) is holds


@pytest.mark.parametrize("left", ["${lines.$.n[?@ > 5]}", "a ${lines.$[?@.n > 5]}", "${lines.$[7]}"])
def test_only_a_query_that_could_select_several_nodes_is_an_empty_list(left: Any) -> None:
    with pytest.raises(ConditionError, match="has no value"):
        evaluate_condition(compare(left, "isEmpty", None), Scope(variables={"lines": [{"n": 1}]}))


def test_a_negation_needs_something_that_was_selected() -> None:
    with pytest.raises(ConditionError, match="has no value"):
        evaluate_condition(compare("${lines.$[?@.n > 5].n}", "!=", 1), Scope(variables={"lines": [{"n": 1}]}))
