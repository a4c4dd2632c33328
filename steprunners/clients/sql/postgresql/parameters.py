"""Sends values to PostgreSQL with their types, and explains what it says about a value without a type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.types.json import Jsonb
from psycopg.types.string import StrDumper

from steprunners.clients.sql.parameters import Document, TypedNull, TypedText
from steprunners.clients.sql.rendering import Spelling
from steprunners.values.sent_text import json_of

SPELLING = Spelling(
    place=lambda number: f"${number}",
    # PostgreSQL finds the type of '{}' by itself: it is an array of what stands before.
    in_nothing=lambda is_negated, _: "<> ALL ('{}')" if is_negated else "= ANY ('{}')",
    has_arrays=True,
)
#: PostgreSQL's names of the types whose nulls have a type.
_TYPE_NAMES = {
    "text": "text",
    "integer": "int8",
    "number": "float8",
    "decimal": "numeric",
    "boolean": "bool",
    "date": "date",
    "time": "time",
    "timestamp": "timestamptz",
    "uuid": "uuid",
    "bytes": "bytea",
}
_INDETERMINATE = frozenset({"42P18", "42P08"})
_PLACE = re.compile(r"(?:\$|(?<=parameter ))(\d+)")
_to_jsonb = partial(Jsonb, dumps=json_of)


class NullDumper(Dumper):
    """Sends a null as one of its type."""

    def get_key(self, obj: TypedNull, format: Any) -> Any:  # noqa: ARG002  # psycopg's names
        """Return what tells dumpers apart: the type, too."""
        return (self.cls, obj.kind)

    def upgrade(self, obj: TypedNull, format: Any) -> NullDumper:  # noqa: ARG002  # psycopg's names
        """Return a dumper for the type of the null."""
        dumper = NullDumper(self.cls)
        dumper.oid = psycopg.adapters.types.get_oid(_TYPE_NAMES[obj.kind])
        return dumper

    def dump(self, obj: TypedNull) -> None:
        """Return no value."""


def register_dumpers(raw: psycopg.Connection[Any]) -> None:
    """Set how values with a type are sent."""
    raw.adapters.register_dumper(TypedText, StrDumper)
    raw.adapters.register_dumper(TypedNull, NullDumper)


def adapted(value: Any) -> Any:
    """Return the value as psycopg takes it."""
    if isinstance(value, Document):
        return _to_jsonb(value.value)
    return _array(value) if isinstance(value, list) else value


def _array(values: list[Any]) -> list[Any]:
    """Return the array with elements of one type: integers beside fractions become decimals, as in PostgreSQL."""
    kinds = {type(each) for each in _elements(values)} - {type(None), TypedNull}
    return _with_elements(values, as_decimals=len(kinds) > 1 and kinds <= {int, float, Decimal})


def _elements(values: list[Any]) -> Iterator[Any]:
    for each in values:
        yield from _elements(each) if isinstance(each, list) else (each,)


def _with_elements(values: list[Any], *, as_decimals: bool) -> list[Any]:
    return [_element(each, as_decimals=as_decimals) for each in values]


def _element(value: Any, *, as_decimals: bool) -> Any:
    if isinstance(value, list):
        return _with_elements(value, as_decimals=as_decimals)
    if value is None or isinstance(value, TypedNull):
        return None
    return Decimal(str(value)) if as_decimals else adapted(value)


def with_names(message: str, names: Sequence[str]) -> str:
    """Return the message with the names of the binds in the place of `$1`, `$2` and so on."""
    return _PLACE.sub(lambda match: f":{name}" if (name := _name(match, names)) else match[0], message)


def how_to_type(code: str, message: str, names: Sequence[str]) -> str | None:
    """Return how to give a parameter's type, where PostgreSQL could not find it out."""
    if not names or not (code in _INDETERMINATE or re.search(r"\bunknown\b", message)):
        return None
    place = _PLACE.search(message)
    name = (_name(place, names) if place else None) or names[0]
    return f"Give the type of the parameter: parameters: {{{name}: {{type: text, value: …}}}}"


def _name(place: re.Match[str], names: Sequence[str]) -> str | None:
    number = int(place[1]) if len(place[1]) < 6 else 0
    return names[number - 1] if 0 < number <= len(names) else None
