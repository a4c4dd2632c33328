"""The names of both types, where these are the reason that an operator does not hold.

The second name is None where the message says it anyway.
"""

from __future__ import annotations

from steprunners.assertions.type_names import have_one_type, type_name, type_names, types_that_differ
from steprunners.assertions.value_tests import contains
from steprunners.json_types import Json
from steprunners.values.numbers import as_type_of, is_number, number_in

Types = tuple[str, str | None]


def of_both(actual: Json, expected: Json) -> Types | None:
    """Of the two values."""
    return types_that_differ(actual, as_type_of(actual, expected))


def of_order(actual: Json, expected: Json) -> Types | None:
    """Of both, also where two texts look like numbers and yet have the order of texts."""
    look_like_numbers = (isinstance(each, str) and number_in(each) is not None for each in (actual, expected))
    if type_name(actual) == type_name(expected) == "text" and all(look_like_numbers):
        return "text", "text, which compares by its characters"
    return of_both(actual, expected)


def of_bounds(actual: Json, expected: Json) -> Types | None:
    """Of the value and the first bound that does not fit it."""
    return next(filter(None, (of_order(actual, each) for each in _elements(expected))), None)


def of_choices(actual: Json, expected: Json) -> Types | None:
    """Of the value and the elements of the expected list, where none fits it."""
    choices = _elements(expected)
    fits = any(have_one_type(actual, as_type_of(actual, each)) for each in choices)
    return None if fits or not choices else (type_name(actual), type_names(choices))


def of_text(actual: Json, expected: Json) -> Types | None:
    """Of a value that should have been text."""
    return None if isinstance(actual, str) else (type_name(actual), type_name(expected))


def of_part(actual: Json, expected: Json) -> Types | None:
    """Of what should contain something, and of that."""
    if contains(actual, expected) is not None:
        return _types_of_elements(actual, expected) if isinstance(actual, list) else None
    if isinstance(actual, list):
        return f"list of {type_names(actual)}", type_name(expected)
    if isinstance(actual, dict):
        return "object", type_name(expected)
    if not isinstance(actual, str):
        return f"{type_name(actual)}, which contains nothing", type_name(expected)
    hint = ", which a text cannot contain: write it in quotes" if is_number(expected) else ""
    return "text", type_name(expected) + hint


def _types_of_elements(actual: list[Json], expected: Json) -> Types | None:
    fits = any(have_one_type(each, as_type_of(each, expected)) for each in actual)
    return None if fits or not actual else (f"list of {type_names(actual)}", type_name(expected))


def without_length(actual: Json, _expected: Json) -> Types | None:
    """Of a value that has no length."""
    return (
        None if isinstance(actual, (str, list, dict)) else (f"{type_name(actual)}, which has no length", None)
    )


def of_actual(actual: Json, _expected: Json) -> Types | None:
    """Of the value alone."""
    return type_name(actual), None


def _elements(expected: Json) -> list[Json]:
    return expected if isinstance(expected, list) else []
