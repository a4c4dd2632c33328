"""Compares JSON values: whether they are equal, their order, and where two structures differ.

`true` is not 1, 1 is 1.0, and the text "1" is neither. An `sql` result gives decimals and long integers as text that is
known to be a number (`NumberText`); it compares as that number, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from steprunners.assertions.type_names import types_that_differ, with_type
from steprunners.budgets.effort import tick
from steprunners.json_types import Json
from steprunners.masking.display import show
from steprunners.values.number_text import NumberText
from steprunners.values.numbers import as_type_of, numbers_of
from steprunners.values.paths import show_path

#: Types whose equality is Python's. A float that Python writes as it was read is its shortest text.
_PLAIN = frozenset({str, int, float, bool, type(None)})
#: Stands for a value that one side of a difference does not have.
MISSING = object()


def same(actual: Json, expected: Json) -> bool:
    """Whether two JSON values are equal, types and all; structures are compared to any depth."""
    return next(differences(actual, expected), None) is None


def equals(actual: Json, expected: Json) -> bool:
    """Whether `actual` is `expected`, where text compares as a number or boolean when `actual` is one."""
    return same(actual, as_type_of(actual, expected))


def order(left: Json, right: Json) -> int | None:
    """Return -1, 0 or 1 where `left` is below, equal to or above `right`; None where they have no order.

    Numbers have an order, and texts have one, by their characters. A text and a number have none.
    """
    numbers = numbers_of(left, right)
    if numbers is not None:
        return int(numbers[0] > numbers[1]) - int(numbers[0] < numbers[1])
    if not isinstance(left, str) or not isinstance(right, str) or NumberText in (type(left), type(right)):
        return None
    return (left > right) - (left < right)


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where two structures differ; a side without a value there is MISSING."""

    path: tuple[str | int, ...]
    actual: object
    expected: object
    #: What is shown instead of the two values, where that says more.
    reason: str | None = None
    #: The names of both types, where they differ; None for a side that names its type itself.
    types: tuple[str, str | None] | None = None

    def tell(self, root: tuple[str, ...] = ()) -> str:
        """Return the difference in words; `root` is the path of the compared value."""
        where = show_path((*root, *self.path)) or "the value"
        if self.reason:
            return f"{where} {self.reason}"
        if self.actual is MISSING:
            return f"{where} is missing, expected {_show(self.expected)}"
        if self.expected is MISSING:
            return f"{where} is not expected: {_show(self.actual)}"
        found, wanted = self.types or (None, None)
        shown = with_type(_show(self.actual), found)
        return f"{where} is {shown}, expected {with_type(_show(self.expected), wanted)}"


def _show(value: object) -> str:
    return show(value)  # type: ignore[arg-type]  # a side that is not MISSING is JSON


def difference(path: tuple[str | int, ...], actual: Json, expected: Json) -> Difference:
    """Return the difference of two values at a path; it names their types where these differ."""
    return Difference(path, actual, expected, types=types_that_differ(actual, expected))


def differences(actual: Json, expected: Json, path: tuple[str | int, ...] = ()) -> Iterator[Difference]:
    """Yield the places where `actual` differs from `expected`, in the order of `expected`."""
    tick()
    if isinstance(actual, dict) and isinstance(expected, dict):
        yield from _object_differences(actual, expected, path)
    elif isinstance(actual, list) and isinstance(expected, list):
        yield from _array_differences(actual, expected, path)
    elif not same_scalar(actual, expected):
        yield difference(path, actual, expected)


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
    if type(actual) is type(expected) and type(actual) in _PLAIN:
        return actual == expected
    if isinstance(actual, bool) or isinstance(expected, bool):
        return False
    numbers = numbers_of(actual, expected)
    if numbers is not None:
        return bool(numbers[0] == numbers[1])
    return isinstance(actual, str) and isinstance(expected, str) and actual == expected
