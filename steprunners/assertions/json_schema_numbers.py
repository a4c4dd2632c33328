"""Keywords of JSON Schema that compare numbers or values: exact, where the library rounds or takes true for 1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from steprunners.assertions.comparisons import order
from steprunners.budgets.effort import tick
from steprunners.values.json_text import exact_decimal
from steprunners.values.numbers import is_integer, is_multiple, is_number

Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]


def unique_items(_validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """`uniqueItems`."""
    # The library compares each with each, which takes minutes for a long list of objects.
    if wanted and isinstance(instance, list) and len({_hashable(each) for each in instance}) < len(instance):
        yield ValidationError("")


def const(_validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """`const`."""
    if _hashable(instance) != _hashable(wanted):
        yield ValidationError("")


def enum(_validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """`enum`."""
    found = _hashable(instance)
    if not any(_hashable(each) == found for each in wanted):
        yield ValidationError("")


def _hashable(value: Any) -> Any:
    """Return what two values have in common where JSON Schema calls them equal: 1 is 1.0 and not true."""
    tick()
    if isinstance(value, dict):
        return ("object", frozenset((key, _hashable(each)) for key, each in value.items()))
    if isinstance(value, list):
        return ("array", tuple(_hashable(each) for each in value))
    return (isinstance(value, bool), exact_decimal(value) if isinstance(value, float) else value)


# --- numbers, exactly -----------------------------------------------------------------------------


def bound(holds: Callable[[int], bool]) -> Keyword:
    """Return a keyword that holds for these orders (-1, 0, 1) of the number and its bound."""

    def check(_validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
        found = order(instance, wanted) if is_number(instance) else None
        if found is not None and not holds(found):
            yield ValidationError("")

    return check


def multiple_of(_validator: Any, divisor: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """`multipleOf`."""
    if is_number(instance) and not is_multiple(instance, divisor):
        yield ValidationError("")


TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _checker, value: _is_integer(value))


def _is_integer(value: Any) -> bool:
    return is_number(value) and is_integer(value)
