"""Compares JSON values: whether they are equal, their order, and where two structures differ.

`true` is not 1, and 1 is 1.0. An `sql` result gives decimals and integers beyond 2**53 as text ("12.50",
"9007199254740993"). Such a text compares with a number as that number, exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from steprunners.budgets.effort import tick
from steprunners.json_types import Json
from steprunners.masking.display import show
from steprunners.values.paths import show_path

MAX_SAFE_INTEGER = 2**53
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?\s*\Z")
_WITH_FRACTION = re.compile(r"-?[0-9]+\.[0-9]+\Z")
_INTEGER = re.compile(r"-?[0-9]{16,400}\Z")
_BOOLEANS = {"true": True, "false": False}
#: Stands for a value that one side of a difference does not have.
MISSING = object()


def is_number(value: object) -> bool:
    """Whether the value is a JSON number; a boolean is not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number_in(text: str) -> Decimal | None:
    """Return the number that the text spells, or None."""
    return Decimal(text.strip()) if _NUMBER.match(text) else None


def database_number(value: Json) -> Decimal | None:
    """Return the number in a text such as `sql` results give for decimals and large integers, or None."""
    if not isinstance(value, str):
        return None
    if _WITH_FRACTION.match(value):
        return number_in(value)
    return Decimal(value) if _INTEGER.match(value) and abs(Decimal(value)) > MAX_SAFE_INTEGER else None


def same(actual: Json, expected: Json) -> bool:
    """Whether two JSON values are equal, types and all; structures are compared to any depth."""
    return next(differences(actual, expected), None) is None


def equals(actual: Json, expected: Json) -> bool:
    """Whether `actual` is `expected`, where text compares as a number or boolean when `actual` is one."""
    return same(actual, as_type_of(actual, expected))


def as_type_of(actual: Json, expected: Json) -> Json:
    """Return an `expected` text as the number or boolean that it spells, when `actual` is one."""
    if not isinstance(expected, str):
        return expected
    if isinstance(actual, bool):
        return _BOOLEANS.get(expected.strip().lower(), expected)
    number = number_in(expected) if is_number(actual) else None
    if number is None:
        return expected
    whole = not isinstance(actual, float) and number.adjusted() < 400 and number == number.to_integral_value()
    return int(number) if whole else float(number)  # an int keeps every digit of a large id


def order(actual: Json, expected: Json) -> int | None:
    """Return -1, 0 or 1 where `actual` is below, equal to or above `expected`; None where they have no order.

    Numbers have an order, and texts have one. Two texts that are both numbers compare as numbers.
    """
    if type(actual) is int and type(expected) is int:
        return (actual > expected) - (actual < expected)
    left, right = _decimal(actual), _decimal(expected)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    if isinstance(actual, str) and isinstance(expected, str):
        return (actual > expected) - (actual < expected)
    return None


def _decimal(value: Json) -> Decimal | None:
    if isinstance(value, str):
        return number_in(value)
    if not is_number(value):
        return None
    number = _exact(value)
    return None if number.is_nan() else number


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where two structures differ; a side without a value there is MISSING."""

    path: tuple[str | int, ...]
    actual: object
    expected: object
    #: What is shown instead of the two values, where that says more.
    reason: str | None = None

    def tell(self, root: tuple[str, ...] = ()) -> str:
        """Return the difference in words; `root` is the path of the compared value."""
        where = show_path((*root, *self.path)) or "the value"
        if self.reason:
            return f"{where} {self.reason}"
        if self.actual is MISSING:
            return f"{where} is missing, expected {_show(self.expected)}"
        if self.expected is MISSING:
            return f"{where} is not expected: {_show(self.actual)}"
        return f"{where} is {_show(self.actual)}, expected {_show(self.expected)}"


def _show(value: object) -> str:
    return show(value)  # type: ignore[arg-type]  # a side that is not MISSING is JSON


def differences(actual: Json, expected: Json, path: tuple[str | int, ...] = ()) -> Iterator[Difference]:
    """Yield the places where `actual` differs from `expected`, in the order of `expected`."""
    tick()
    if isinstance(actual, dict) and isinstance(expected, dict):
        yield from _object_differences(actual, expected, path)
    elif isinstance(actual, list) and isinstance(expected, list):
        yield from _array_differences(actual, expected, path)
    elif not same_scalar(actual, expected):
        yield Difference(path, actual, expected)


def _object_differences(
    actual: dict[str, Json], expected: dict[str, Json], path: tuple[str | int, ...]
) -> Iterator[Difference]:
    for key, wanted in expected.items():
        if key in actual:
            yield from differences(actual[key], wanted, (*path, key))
        else:
            yield Difference((*path, key), MISSING, wanted)
    for key, found in actual.items():
        if key not in expected:
            yield Difference((*path, key), found, MISSING)


def _array_differences(
    actual: list[Json], expected: list[Json], path: tuple[str | int, ...]
) -> Iterator[Difference]:
    for index, (found, wanted) in enumerate(zip(actual, expected, strict=False)):
        yield from differences(found, wanted, (*path, index))
    for index in range(len(actual), len(expected)):
        yield Difference((*path, index), MISSING, expected[index])
    for index in range(len(expected), len(actual)):
        yield Difference((*path, index), actual[index], MISSING)


def same_scalar(actual: Json, expected: Json) -> bool:
    """Whether two values are equal; at least one of them is neither an object nor a list."""
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if is_number(expected) and isinstance(actual, str):
        number = database_number(actual)
        return number is not None and number == _exact(expected)
    comparable = type(actual) is type(expected) or (is_number(actual) and is_number(expected))
    return comparable and actual == expected


def _exact(number: Any) -> Decimal:
    # A float by its shortest text: whoever writes 0.1 means one tenth, although the float is a little more.
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
