"""The tests of operators: whether a value is as expected.

None says that it cannot be decided, because the types do not fit. Then neither the operator nor its negation holds.
"""

from __future__ import annotations

from collections.abc import Callable

from steprunners.assertions.comparisons import equals, order
from steprunners.assertions.type_names import have_one_type
from steprunners.json_types import Json
from steprunners.values.numbers import as_type_of, is_integer, is_known_number
from steprunners.values.patterns import compile_regex

Test = Callable[[Json, Json], bool | None]


def contains(actual: Json, expected: Json) -> bool | None:
    """Whether a text holds that part, a list an equal element, an object that key."""
    if isinstance(actual, list):
        return _has_element(actual, expected)
    if isinstance(actual, (str, dict)) and isinstance(expected, str):
        return expected in actual
    return None


def _has_element(elements: list[Json], expected: Json) -> bool | None:
    if any(equals(each, expected) for each in elements):
        return True
    # `["42"]` must not pass for a list without 42: not one of its elements could have been equal.
    return False if not elements or any(_could_be_equal(each, expected) for each in elements) else None


def _could_be_equal(actual: Json, expected: Json) -> bool:
    """Whether the types agree; null stands for a missing value of any type."""
    return actual is None or expected is None or have_one_type(actual, as_type_of(actual, expected))


def on_text(test: Callable[[str, str], bool]) -> Test:
    """Return a test that cannot be decided for anything but text."""
    return lambda actual, expected: test(actual, str(expected)) if isinstance(actual, str) else None


def matches(actual: str, expected: str) -> bool:
    """Whether the regular expression is found in the text. Raises PatternError."""
    return compile_regex(expected).search(actual)


def ordered(*allowed: int) -> Test:
    """Return the test whether the order of the two is one of these (-1, 0, 1)."""

    def test(actual: Json, expected: Json) -> bool | None:
        found = order(actual, as_type_of(actual, expected))
        return None if found is None else found in allowed

    return test


_at_least, _at_most = ordered(0, 1), ordered(-1, 0)


def between(actual: Json, expected: Json) -> bool | None:
    """Whether the value is within [low, high], ends included."""
    low, high = expected if isinstance(expected, list) else (None, None)
    found = _at_least(actual, low), _at_most(actual, high)
    return None if None in found else all(found)


def is_in(actual: Json, expected: Json) -> bool:
    """Whether the value equals one element of the expected list."""
    return isinstance(expected, list) and any(equals(actual, each) for each in expected)


def is_empty(actual: Json) -> bool:
    """Whether the value is an empty text, list or object, or null."""
    return actual is None or (isinstance(actual, (str, list, dict)) and not actual)


TYPES: dict[str, Callable[[Json], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": is_known_number,
    "integer": is_integer,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


def has_length(actual: Json, expected: Json) -> bool | None:
    """Whether a text, list or object has the length."""
    return equals(len(actual), expected) if isinstance(actual, (str, list, dict)) else None
