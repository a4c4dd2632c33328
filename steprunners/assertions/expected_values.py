"""What an operator needs as its expected value: each function returns what is wrong with one, or None."""

from __future__ import annotations

from steprunners.assertions.comparisons import order
from steprunners.assertions.json_schema import SchemaProblem, check_schema
from steprunners.assertions.value_tests import TYPES
from steprunners.json_types import Json
from steprunners.masking.display import show
from steprunners.values.numbers import as_type_of, is_number, number_in
from steprunners.values.patterns import PatternError, compile_regex
from steprunners.values.suggestions import did_you_mean


def needs_text(expected: Json) -> str | None:
    """Text."""
    return None if isinstance(expected, str) else f"needs text, not {show(expected)}"


def needs_regex(expected: Json) -> str | None:
    """A regular expression of RE2."""
    if not isinstance(expected, str):
        return needs_text(expected)
    try:
        compile_regex(expected)
    except PatternError as error:
        return f"needs a regular expression: {error}"
    return None


def needs_order(expected: Json) -> str | None:
    """A number or text."""
    return (
        None
        if isinstance(expected, str) or is_number(expected)
        else f"needs a number or text, not {show(expected)}"
    )


def needs_bounds(expected: Json) -> str | None:
    """A list [low, high]."""
    if not isinstance(expected, list) or len(expected) != 2 or any(needs_order(bound) for bound in expected):
        return f"needs a list [low, high], not {show(expected)}"
    low, high = expected
    # Two texts are bounds for texts, and also for numbers, where they spell some.
    orders = {order(low, high), order(as_type_of(0, low), as_type_of(0, high))} - {None}
    return f"needs [low, high]: {show(low)} is above {show(high)}" if orders == {1} else None


def needs_list(expected: Json) -> str | None:
    """A list."""
    return None if isinstance(expected, list) else f"needs a list, not {show(expected)}"


def needs_type(expected: Json) -> str | None:
    """The name of a JSON type."""
    if isinstance(expected, str) and expected in TYPES:
        return None
    hint = did_you_mean(expected, TYPES) if isinstance(expected, str) else ""
    return f"needs one of {', '.join(TYPES)}, not {show(expected)}{hint}"


def needs_length(expected: Json) -> str | None:
    """A whole number from 0."""
    number = number_in(expected) if isinstance(expected, str) else expected
    whole = (
        number is not None
        and not isinstance(number, (bool, list, dict))
        and number >= 0
        and number == number // 1
    )
    return None if whole else f"needs a length (0, 1, 2 …), not {show(expected)}"


def needs_schema(expected: Json) -> str | None:
    """A JSON Schema 2020-12."""
    try:
        check_schema(expected)
    except SchemaProblem as problem:
        return f"needs a JSON Schema 2020-12: {problem}"
    return None
