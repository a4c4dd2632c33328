"""The operators of assertions and conditions: their tests, their expected values, and the words of their messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from steprunners.assertions import mismatches
from steprunners.assertions.comparisons import MISSING, Difference, differences, equals
from steprunners.assertions.expected_values import (
    needs_bounds,
    needs_length,
    needs_list,
    needs_order,
    needs_regex,
    needs_schema,
    needs_text,
    needs_type,
)
from steprunners.assertions.json_schema import schema_differences
from steprunners.assertions.shapes import shape_differences
from steprunners.assertions.value_tests import (
    TYPES,
    Test,
    between,
    contains,
    has_length,
    is_empty,
    is_in,
    matches,
    on_text,
    ordered,
)
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK

MAX_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    - `test(actual, expected)` decides for a field that has a value. None says that it cannot be decided, because the
      types do not fit: then neither the operator nor its negation holds
    - `phrase` completes "… is 5, expected" in a message, with {} for the expected value
    - `check(expected)` returns what is wrong with an expected value, or None
    - `types(actual, expected)` returns the names of both types, where these are the reason that it does not hold; the
      second is None where the phrase says it
    - `differ` yields the places where two structures differ, for operators where that says more than the two values
    - `wants_list` is whether it says something else of a list than of one of its elements
    """

    test: Test
    phrase: str
    check: Callable[[Json], str | None] | None = None
    takes_expected: bool = True
    types: Callable[[Json, Json], mismatches.Types | None] = lambda _actual, _expected: None
    differ: Callable[[Json, Json], Iterator[Difference]] | None = None
    wants_list: bool = False


def _schema_differences(actual: Json, schema: Json) -> Iterator[Difference]:
    yield from schema_differences(actual, schema, MAX_DIFFERENCES + 1)


def _no_difference(differ: Callable[[Json, Json], Iterator[Difference]]) -> Callable[[Json, Json], bool]:
    return lambda actual, expected: next(differ(actual, expected), None) is None


def _structural(actual: Json, expected: Json) -> Iterator[Difference]:
    both = (isinstance(actual, dict) and isinstance(expected, dict)) or (
        isinstance(actual, list) and isinstance(expected, list)
    )
    return differences(actual, expected) if both else iter(())


def _not(test: Test) -> Test:
    def negated(actual: Json, expected: Json) -> bool | None:
        found = test(actual, expected)
        return None if found is None else not found

    return negated


def _flag(test: Callable[[Json], bool], phrase: str, *, wants_list: bool = False) -> Operator:
    return Operator(
        lambda actual, _expected: test(actual), phrase, takes_expected=False, wants_list=wants_list
    )


def _text_operator(test: Test, phrase: str, *, is_regex: bool = False) -> Operator:
    return Operator(test, phrase, needs_regex if is_regex else needs_text, types=mismatches.of_text)


def _order_operator(phrase: str, *allowed: int) -> Operator:
    return Operator(ordered(*allowed), phrase, needs_order, types=mismatches.of_order)


_starts_with, _ends_with, _finds = on_text(str.startswith), on_text(str.endswith), on_text(matches)

OPERATORS: dict[str, Operator] = {
    "equals": Operator(equals, "{}", types=mismatches.of_both, differ=_structural, wants_list=True),
    "notEquals": Operator(_not(equals), "anything but {}"),
    "contains": Operator(contains, "it to contain {}", types=mismatches.of_part, wants_list=True),
    "notContains": Operator(
        _not(contains), "it not to contain {}", types=mismatches.of_part, wants_list=True
    ),
    "startsWith": _text_operator(_starts_with, "it to start with {}"),
    "endsWith": _text_operator(_ends_with, "it to end with {}"),
    "matches": _text_operator(_finds, "it to match {}", is_regex=True),
    "notMatches": _text_operator(_not(_finds), "it not to match {}", is_regex=True),
    "gt": _order_operator("more than {}", 1),
    "gte": _order_operator("at least {}", 0, 1),
    "lt": _order_operator("less than {}", -1),
    "lte": _order_operator("at most {}", -1, 0),
    "between": Operator(
        between, "it to be between {} (both allowed)", needs_bounds, types=mismatches.of_bounds
    ),
    "in": Operator(is_in, "one of {}", needs_list, types=mismatches.of_choices),
    "notIn": Operator(_not(is_in), "none of {}", needs_list),
    "exists": _flag(lambda _actual: True, "a value"),
    "notExists": _flag(lambda _actual: False, "no value"),
    "isNull": _flag(lambda actual: actual is None, "null"),
    "notNull": _flag(lambda actual: actual is not None, "anything but null"),
    "isEmpty": _flag(is_empty, "it to be empty", wants_list=True),
    "notEmpty": _flag(lambda actual: not is_empty(actual), "it not to be empty", wants_list=True),
    "isType": Operator(
        lambda actual, expected: TYPES[str(expected)](actual),
        "the type {}",
        needs_type,
        types=mismatches.of_actual,
        wants_list=True,
    ),
    "hasLength": Operator(
        has_length, "the length {}", needs_length, types=mismatches.without_length, wants_list=True
    ),
    "matchesSchema": Operator(
        _no_difference(_schema_differences),
        "it to match the schema {}",
        needs_schema,
        differ=_schema_differences,
    ),
    "matchesShape": Operator(_no_difference(shape_differences), "the shape {}", differ=shape_differences),
}


#: The operators for which a JSONPath that could select several nodes and selects none is an empty list. To the others
#: it is a field without a value: `$.lines[?@.id == 1].status notEquals LOST` must not hold where there is no line 1.
SEE_AN_EMPTY_LIST = frozenset({"contains", "equals", "hasLength", "isEmpty", "isType", "notEmpty"})


def operator_problem(name: str, *, given: bool, expected: Json) -> str | None:
    """Return what is wrong with an operator's expected value (`given`: whether there is one), or None."""
    operator = OPERATORS[name]
    if not operator.takes_expected:
        # `exists: true` is common in other tools; `exists: false` would look like the opposite of what it does.
        return None if not given or expected in (None, True) else f"{name} takes no expected value"
    if not given:
        return f"{name} needs an expected value"
    problem = operator.check(expected) if operator.check else None
    return f"{name} {problem}" if problem else None


def told_differences(actual: Shown, expected: Shown, operator: Operator, root: tuple[str, ...]) -> list[str]:
    """Return the first places where the two differ, in words; the last text says whether there are more."""
    if operator.differ is None:
        return []
    differences = islice(operator.differ(actual.value, expected.value), MAX_DIFFERENCES + 1)
    found = [_as_shown(each, actual, expected).tell(root) for each in differences]
    return found if len(found) <= MAX_DIFFERENCES else [*found[:MAX_DIFFERENCES], "and more"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A value, and how it is shown: unchanged, or with secrets masked."""

    value: Json
    shown: Json

    def at(self, path: tuple[str | int, ...], value: object) -> object:
        """Return how the `value` at the path is shown."""
        if self.shown == self.value or value is MISSING:
            return value
        shown: Any = self.shown
        try:
            for key in path:
                shown = shown[key]
        except (LookupError, TypeError):
            return MASK
        return shown


def _as_shown(difference: Difference, actual: Shown, expected: Shown) -> Difference:
    left = actual.at(difference.path, difference.actual)
    right = expected.at(difference.path, difference.expected)
    if (left, right) == (difference.actual, difference.expected):
        return difference
    # The reason contains the values, which are secret.
    reason = difference.reason and "differs from the expected value"
    return replace(difference, actual=left, expected=right, reason=reason)
