"""The operators of assertions and conditions: their tests, their expected values, and the words of their messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from steprunners.assertions.comparisons import (
    MISSING,
    Difference,
    as_type_of,
    differences,
    equals,
    is_number,
    number_in,
    order,
)
from steprunners.assertions.json_schema import SchemaProblem, check_schema, schema_differences
from steprunners.assertions.shapes import shape_differences
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.display import show
from steprunners.values.patterns import PatternError, compile_regex
from steprunners.values.suggestions import did_you_mean

MAX_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    - `test(actual, expected)` decides for a field that has a value
    - `phrase` completes "… is 5, expected" in a message, with {} for the expected value
    - `check(expected)` returns what is wrong with an expected value, or None
    - `differ` yields the places where two structures differ, for operators where that says more than the two values
    """

    test: Callable[[Json, Json], bool]
    phrase: str
    check: Callable[[Json], str | None] | None = None
    takes_expected: bool = True
    differ: Callable[[Json, Json], Iterator[Difference]] | None = None


# --- tests ----------------------------------------------------------------------------------------


def _contains(actual: Json, expected: Json) -> bool:
    if isinstance(actual, list):
        return any(equals(each, expected) for each in actual)
    return isinstance(actual, (str, dict)) and isinstance(expected, str) and expected in actual


def _starts_with(actual: Json, expected: Json) -> bool:
    return isinstance(actual, str) and actual.startswith(str(expected))


def _ends_with(actual: Json, expected: Json) -> bool:
    return isinstance(actual, str) and actual.endswith(str(expected))


def _matches(actual: Json, expected: Json) -> bool:
    return isinstance(actual, str) and compile_regex(str(expected)).search(actual)


def _ordered(*allowed: int) -> Callable[[Json, Json], bool]:
    return lambda actual, expected: order(actual, expected) in allowed


def _between(actual: Json, expected: Json) -> bool:
    low, high = expected if isinstance(expected, list) else (None, None)
    return order(actual, low) in (0, 1) and order(actual, high) in (-1, 0)


def _in(actual: Json, expected: Json) -> bool:
    return isinstance(expected, list) and any(equals(actual, each) for each in expected)


def _is_empty(actual: Json) -> bool:
    return actual is None or (isinstance(actual, (str, list, dict)) and not actual)


TYPES: dict[str, Callable[[Json], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": is_number,
    # As JSON Schema has it: 1.0 is an integer.
    "integer": lambda value: is_number(value) and (isinstance(value, int) or float(str(value)).is_integer()),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


def _has_length(actual: Json, expected: Json) -> bool:
    return isinstance(actual, (str, list, dict)) and len(actual) == as_type_of(0, expected)


def _schema_differences(actual: Json, schema: Json) -> Iterator[Difference]:
    yield from schema_differences(actual, schema, MAX_DIFFERENCES + 1)


def _no_difference(differ: Callable[[Json, Json], Iterator[Difference]]) -> Callable[[Json, Json], bool]:
    return lambda actual, expected: next(differ(actual, expected), None) is None


def _structural(actual: Json, expected: Json) -> Iterator[Difference]:
    both = (isinstance(actual, dict) and isinstance(expected, dict)) or (
        isinstance(actual, list) and isinstance(expected, list)
    )
    return differences(actual, expected) if both else iter(())


# --- expected values ------------------------------------------------------------------------------


def _needs_text(expected: Json) -> str | None:
    return None if isinstance(expected, str) else f"needs text, not {show(expected)}"


def _needs_regex(expected: Json) -> str | None:
    if not isinstance(expected, str):
        return _needs_text(expected)
    try:
        compile_regex(expected)
    except PatternError as error:
        return f"needs a regular expression: {error}"
    return None


def _needs_order(expected: Json) -> str | None:
    return (
        None
        if isinstance(expected, str) or is_number(expected)
        else f"needs a number or text, not {show(expected)}"
    )


def _needs_bounds(expected: Json) -> str | None:
    if not isinstance(expected, list) or len(expected) != 2 or any(_needs_order(bound) for bound in expected):
        return f"needs a list [low, high], not {show(expected)}"
    return (
        f"needs [low, high]: {show(expected[0])} is above {show(expected[1])}"
        if order(*expected) == 1
        else None
    )


def _needs_list(expected: Json) -> str | None:
    return None if isinstance(expected, list) else f"needs a list, not {show(expected)}"


def _needs_type(expected: Json) -> str | None:
    if isinstance(expected, str) and expected in TYPES:
        return None
    hint = did_you_mean(expected, TYPES) if isinstance(expected, str) else ""
    return f"needs one of {', '.join(TYPES)}, not {show(expected)}{hint}"


def _needs_length(expected: Json) -> str | None:
    number = number_in(expected) if isinstance(expected, str) else expected
    whole = (
        number is not None
        and not isinstance(number, (bool, list, dict))
        and number >= 0
        and number == number // 1
    )
    return None if whole else f"needs a length (0, 1, 2 …), not {show(expected)}"


def _needs_schema(expected: Json) -> str | None:
    try:
        check_schema(expected)
    except SchemaProblem as problem:
        return f"needs a JSON Schema 2020-12: {problem}"
    return None


def _not(test: Callable[[Json, Json], bool]) -> Callable[[Json, Json], bool]:
    return lambda actual, expected: not test(actual, expected)


def _flag(test: Callable[[Json], bool], phrase: str) -> Operator:
    return Operator(lambda actual, _expected: test(actual), phrase, takes_expected=False)


OPERATORS: dict[str, Operator] = {
    "equals": Operator(equals, "{}", differ=_structural),
    "notEquals": Operator(_not(equals), "anything but {}"),
    "contains": Operator(_contains, "it to contain {}"),
    "notContains": Operator(_not(_contains), "it not to contain {}"),
    "startsWith": Operator(_starts_with, "it to start with {}", _needs_text),
    "endsWith": Operator(_ends_with, "it to end with {}", _needs_text),
    "matches": Operator(_matches, "it to match {}", _needs_regex),
    "notMatches": Operator(_not(_matches), "it not to match {}", _needs_regex),
    "gt": Operator(_ordered(1), "more than {}", _needs_order),
    "gte": Operator(_ordered(0, 1), "at least {}", _needs_order),
    "lt": Operator(_ordered(-1), "less than {}", _needs_order),
    "lte": Operator(_ordered(-1, 0), "at most {}", _needs_order),
    "between": Operator(_between, "it to be between {} (both allowed)", _needs_bounds),
    "in": Operator(_in, "one of {}", _needs_list),
    "notIn": Operator(_not(_in), "none of {}", _needs_list),
    "exists": _flag(lambda _actual: True, "a value"),
    "notExists": _flag(lambda _actual: False, "no value"),
    "isNull": _flag(lambda actual: actual is None, "null"),
    "notNull": _flag(lambda actual: actual is not None, "anything but null"),
    "isEmpty": _flag(_is_empty, "it to be empty"),
    "notEmpty": _flag(lambda actual: not _is_empty(actual), "it not to be empty"),
    "isType": Operator(lambda actual, expected: TYPES[str(expected)](actual), "the type {}", _needs_type),
    "hasLength": Operator(_has_length, "the length {}", _needs_length),
    "matchesSchema": Operator(
        _no_difference(_schema_differences),
        "it to match the schema {}",
        _needs_schema,
        differ=_schema_differences,
    ),
    "matchesShape": Operator(_no_difference(shape_differences), "the shape {}", differ=shape_differences),
}


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
