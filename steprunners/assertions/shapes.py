"""`matchesShape`: a partial comparison with an example.

- An object matches where every key of the example matches; extra keys are allowed.
- An array matches element by element, of the same length.
- `any.string any.number any.boolean any.object any.array` stand for any value of that type, `any.value` for any value.
- `{"$matchArraySubset$": true}` makes arrays match as subsets in any order. As an element (alone, or as one more key
  of an element) it applies to its array. As a key of an object it applies to all arrays below that object. Each
  element of the example then needs its own element of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from steprunners.assertions.comparisons import MISSING, Difference, difference, same_scalar
from steprunners.assertions.type_names import type_name
from steprunners.budgets.effort import tick
from steprunners.json_types import Json
from steprunners.masking.display import show
from steprunners.values.numbers import is_known_number

SUBSET = "$matchArraySubset$"
#: The most pairs of elements that one comparison compares.
MAX_PAIRS = 200_000

_TYPES: dict[str, Callable[[Json], bool]] = {
    "any.string": lambda value: isinstance(value, str),
    "any.number": is_known_number,
    "any.boolean": lambda value: isinstance(value, bool),
    "any.object": lambda value: isinstance(value, dict),
    "any.array": lambda value: isinstance(value, list),
    "any.value": lambda _value: True,
}

Place = tuple[str | int, ...]


class TooManyPairs(Exception):
    """The arrays are too long to be compared in any order."""


def shape_differences(actual: Json, example: Json) -> Iterator[Difference]:
    """Yield the places where `actual` does not match `example`; raise TooManyPairs where that takes too long."""
    return _Comparison().differences(actual, example, (), subset=False)


class _Comparison:
    def __init__(self) -> None:
        self.pairs_left = MAX_PAIRS

    def differences(self, actual: Json, example: Json, path: Place, *, subset: bool) -> Iterator[Difference]:
        tick()
        if isinstance(example, str) and example in _TYPES:
            if not _TYPES[example](actual):
                yield Difference(path, actual, example, types=(type_name(actual), None))
        elif isinstance(example, dict) and isinstance(actual, dict):
            yield from self.object(actual, example, path, subset=subset)
        elif isinstance(example, list) and isinstance(actual, list):
            yield from self.array(actual, example, path, subset=subset)
        elif isinstance(example, (dict, list)) or not same_scalar(actual, example):
            yield difference(path, actual, example)

    def object(
        self, actual: dict[str, Json], example: dict[str, Json], path: Place, *, subset: bool
    ) -> Iterator[Difference]:
        subset = example[SUBSET] is True if SUBSET in example else subset
        for key, wanted in example.items():
            if key == SUBSET:
                continue
            if key in actual:
                yield from self.differences(actual[key], wanted, (*path, key), subset=subset)
            else:
                yield Difference((*path, key), MISSING, wanted)

    def array(
        self, actual: list[Json], example: list[Json], path: Place, *, subset: bool
    ) -> Iterator[Difference]:
        wanted = [each for each in example if each != {SUBSET: True}]
        if subset or any(isinstance(each, dict) and each.get(SUBSET) is True for each in example):
            yield from self.in_any_order(actual, wanted, path)
            return
        if len(actual) != len(wanted):
            reason = f"has {len(actual)} elements, expected {len(wanted)}"
            yield Difference(path, actual, example, reason)
        for index, (found, each) in enumerate(zip(actual, wanted, strict=False)):
            yield from self.differences(found, each, (*path, index), subset=subset)

    def in_any_order(self, actual: list[Json], wanted: list[Json], path: Place) -> Iterator[Difference]:
        fits = [[index for index, found in enumerate(actual) if self.fits(found, each)] for each in wanted]
        for index in _unmatched(fits):
            why = "has no element left that matches" if fits[index] else "has no element that matches"
            yield Difference(path, MISSING, wanted[index], f"{why} {show(wanted[index])}")

    def fits(self, found: Json, wanted: Json) -> bool:
        self.pairs_left -= 1
        if self.pairs_left < 0:
            raise TooManyPairs(f"more than {MAX_PAIRS} pairs of elements would have to be compared")
        return next(self.differences(found, wanted, (), subset=True), None) is None


def _unmatched(fits: list[list[int]]) -> list[int]:
    """Return the examples that have no element in a largest assignment of elements to examples.

    `fits[i]` are the elements that example i can take. Augmenting paths (Kuhn's algorithm), found breadth first: an
    example that simply took the first element that fits could leave another example without one.
    """
    taken_by: dict[int, int] = {}
    return [index for index in range(len(fits)) if not _augment(index, fits, taken_by)]


def _augment(start: int, fits: list[list[int]], taken_by: dict[int, int]) -> bool:
    came_from: dict[int, int] = {}
    waiting = [start]
    for example in waiting:
        tick()
        for element in fits[example]:
            if element in came_from:
                continue
            came_from[element] = example
            if element not in taken_by:
                _hand_over(element, taken_by, came_from)
                return True
            waiting.append(taken_by[element])
    return False


def _hand_over(element: int, taken_by: dict[int, int], came_from: dict[int, int]) -> None:
    """Give the free element to the example that found it, its old element to the example that found that, and so on."""
    holds = {example: held for held, example in taken_by.items()}
    free: int | None = element
    while free is not None:
        example = came_from[free]
        taken_by[free] = example
        free = holds.get(example)
