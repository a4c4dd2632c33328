"""Reads rows without a type of their own, such as `ROW(1, 'a')`: as objects with PostgreSQL's names f1, f2 and so on.

As text such a row does not say what its fields are: `(1,1)` may be a number and a text. In the binary format each field
has the number of its type. Instead of a second loader for every type, this sends the fields back to the server, which
returns them as text: then they are loaded as any other column. PostgreSQL allows that for every type that has a binary
format (PostgreSQL manual 55.7, `record_send` and `array_send` in its source).

A row of a subquery has names, which only the server knows: `to_json` of the row tells them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import pq
from psycopg.abc import PyFormat
from psycopg.adapt import Dumper

from steprunners.clients.sql.values import unique_names

_RECORD = 2249
#: `record[]`, and `anyarray` of the system catalog: only the binary format says what they contain.
_ARRAYS = frozenset({2287, 2277})
UNTYPED = frozenset({_RECORD, *_ARRAYS})
#: PostgreSQL has at most 1664 columns in a result.
MAX_COLUMNS = 1_600
MAX_DEPTH = 100
_INT = struct.Struct("!i")


@dataclass(frozen=True)
class Field:
    """A value in the binary format, and the number of its type."""

    oid: int
    data: bytes


class FieldDumper(Dumper):
    """Sends a field as what it is."""

    format = pq.Format.BINARY

    def get_key(self, obj: Field, format: PyFormat) -> Any:  # noqa: ARG002  # psycopg's names
        """Return what tells dumpers apart: the number of the type, too."""
        return (self.cls, obj.oid)

    def upgrade(self, obj: Field, format: PyFormat) -> FieldDumper:  # noqa: ARG002  # psycopg's names
        """Return a dumper for the type of the field."""
        dumper = FieldDumper(self.cls)
        dumper.oid = obj.oid
        return dumper

    def dump(self, obj: Field) -> bytes:
        """Return the bytes."""
        return obj.data


class _Reader:
    """Reads numbers and pieces of one value."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def number(self) -> int:
        (number,) = _INT.unpack_from(self._data, self._position)
        self._position += _INT.size
        return int(number)

    def piece(self) -> bytes | None:
        size = self.number()
        if size < 0:
            return None
        self._position += size
        return self._data[self._position - size : self._position]


def with_names(query: str, oids: Sequence[int]) -> str:
    """Return a query for the same rows, with a column of JSON behind them for each column in UNTYPED."""
    columns = [f"c{number}" for number in range(1, len(oids) + 1)]
    names = [f"to_json({column})" for column, oid in zip(columns, oids, strict=True) if oid in UNTYPED]
    return f"SELECT *, {', '.join(names)} FROM (\n{query}\n) AS q ({', '.join(columns)})"  # noqa: S608


def load_rows(
    rows: Sequence[Sequence[bytes | None]], oids: Sequence[int], load: Callable[[list[Field]], list[Any]]
) -> list[tuple[Any, ...]]:
    """Return the rows of a binary result, with the names of `with_names` where it has them.

    `load` returns the values of up to MAX_COLUMNS fields. Raises psycopg.DataError for rows that are nested too deep.
    """
    parsed = [_parsed_row(row, oids) for row in rows]
    fields = list(_fields(parsed))
    values: Iterator[Any] = (
        value
        for start in range(0, len(fields), MAX_COLUMNS)
        for value in load(fields[start : start + MAX_COLUMNS])
    )
    return [tuple(row) for row in _filled(parsed, values)]


def _parsed_row(row: Sequence[bytes | None], oids: Sequence[int]) -> list[Any]:
    values = [_parsed(data, oid, 0) for data, oid in zip(row, oids, strict=False)]
    told = iter(row[len(oids) :])
    for number, oid in enumerate(oids):
        if oid in UNTYPED and (names := next(told, None)) is not None:
            values[number] = _named(values[number], _loads_names(names.decode()))
    return values


# Only the names count: numbers can have more digits than Python reads.
_loads_names = json.JSONDecoder(object_pairs_hook=list, parse_int=str, parse_float=str).decode


def _named(value: Any, told: Any) -> Any:
    """Return the value with the names of the same value as JSON, whose objects are lists of pairs."""
    if isinstance(value, dict):
        names = unique_names([name for name, _ in told])
        fields = zip(names, value.values(), told, strict=True)
        return {name: _named(each, inner) for name, each, (_, inner) in fields}
    if isinstance(value, list):
        return [_named(each, inner) for each, inner in zip(value, told, strict=True)]
    return value


def _parsed(data: bytes | None, oid: int, depth: int) -> Any:
    """Return the value with a Field in the place of each that the server must write as text."""
    if data is None:
        return None
    if depth > MAX_DEPTH:
        raise psycopg.DataError(f"rows are nested more than {MAX_DEPTH} deep")
    if oid == _RECORD:
        return _record(_Reader(data), depth + 1)
    return _array(_Reader(data), depth + 1) if oid in _ARRAYS else Field(oid, bytes(data))


def _record(reader: _Reader, depth: int) -> dict[str, Any]:
    fields = {}
    for number in range(1, reader.number() + 1):
        oid = reader.number() & 0xFFFFFFFF
        fields[f"f{number}"] = _parsed(reader.piece(), oid, depth)
    return fields


def _array(reader: _Reader, depth: int) -> list[Any]:
    dimensions, _has_nulls, oid = reader.number(), reader.number(), reader.number() & 0xFFFFFFFF
    sizes = [(reader.number(), reader.number())[0] for _ in range(dimensions)]
    return _items(sizes, lambda: _parsed(reader.piece(), oid, depth)) if sizes else []


def _items(sizes: list[int], read: Callable[[], Any]) -> list[Any]:
    first, *others = sizes
    return [_items(others, read) if others else read() for _ in range(first)]


def _fields(value: Any) -> Iterator[Field]:
    if isinstance(value, Field):
        yield value
    for each in _within(value):
        yield from _fields(each)


def _within(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _filled(value: Any, values: Iterator[Any]) -> Any:
    """Return the value with the next of `values` in the place of each field."""
    if isinstance(value, Field):
        return next(values)
    if isinstance(value, dict):
        return {name: _filled(each, values) for name, each in value.items()}
    return [_filled(each, values) for each in value] if isinstance(value, list) else value
