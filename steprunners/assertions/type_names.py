"""The names of types in messages: "text", "number", "boolean", "list", "object"."""

from __future__ import annotations

from collections.abc import Iterable

from steprunners.json_types import Json
from steprunners.values.number_text import NumberText
from steprunners.values.numbers import is_number, numbers_of


def type_name(value: Json) -> str:
    """Return the name of the value's type; a decimal of an `sql` result is a number."""
    if isinstance(value, bool):
        return "boolean"
    if is_number(value) or isinstance(value, NumberText):
        return "number"
    names = ((str, "text"), (list, "list"), (dict, "object"))
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def have_one_type(left: Json, right: Json) -> bool:
    """Whether the values can be compared: they have the same type, or compare as numbers."""
    return type_name(left) == type_name(right) or numbers_of(left, right) is not None


def types_that_differ(left: Json, right: Json) -> tuple[str, str] | None:
    """Return the names of both types, or None where they can be compared."""
    return None if have_one_type(left, right) else (type_name(left), type_name(right))


def type_names(values: Iterable[Json]) -> str:
    """Return the names of the types of several values: "text", "number or text"."""
    return " or ".join(sorted({type_name(value) for value in values}))


def with_type(shown: str, name: str | None) -> str:
    """Return a value's text with the name of its type behind it; `null` says it itself."""
    return shown if name in (None, "null") else f"{shown} ({name})"
