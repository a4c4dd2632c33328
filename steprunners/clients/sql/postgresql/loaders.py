"""Loads values that PostgreSQL writes as text: as Python values that `to_json` writes in a JSON form of their own.

Sources: PostgreSQL manual 8.5 (dates), 8.15 (arrays), 8.16 (composites), 8.17 (ranges); psycopg has the parsers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader, RecursiveLoader
from psycopg.types.array import ArrayLoader
from psycopg.types.composite import _parse_text_record
from psycopg.types.json import set_json_loads
from psycopg.types.multirange import MultirangeLoader
from psycopg.types.range import RangeLoader

from steprunners.clients.sql.values import loads_exact

#: Types that stay text: Python's types have smaller ranges, or JSON has no form for them.
_AS_TEXT = ["date", "time", "interval", "uuid", "inet", "cidr"]
_TIMESTAMP = re.compile(r"(\d+-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d(?::\d\d)*)?( BC)?\Z")
_HOURS = re.compile(r"[+-]\d\d\Z")


class _TextLoader(Loader):
    """Leaves a value as PostgreSQL writes it."""

    def load(self, data: Buffer) -> str:
        """Return the text."""
        return bytes(data).decode("utf-8", "replace")


class _TimestampLoader(_TextLoader):
    """Writes a timestamp as ISO 8601; infinity and dates BC stay as PostgreSQL writes them."""

    def load(self, data: Buffer) -> str:
        """Return the text with a T, and with minutes in the offset."""
        text = super().load(data)
        match = _TIMESTAMP.match(text)
        if match is None or match[4]:
            return text
        return f"{match[1]}T{match[2]}{_with_minutes(match[3] or '')}"


class _TimeLoader(_TextLoader):
    """Writes a time with a zone as ISO 8601."""

    def load(self, data: Buffer) -> str:
        """Return the text with minutes in the offset."""
        return _with_minutes(super().load(data))


class _VectorLoader(Loader):
    """Loads the system catalogs' lists of numbers, which have no braces: `1 2`."""

    def load(self, data: Buffer) -> list[int]:
        """Return the numbers."""
        return [int(number) for number in bytes(data).split()]


class _CompositeLoader(RecursiveLoader):
    """Loads a row of a named type as an object."""

    names: Sequence[str]
    types: Sequence[int]

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        """Find the loaders of the fields."""
        super().__init__(oid, context)
        self._loads = [self._tx.get_loader(each, self.format).load for each in self.types]

    def load(self, data: Buffer) -> dict[str, Any]:
        """Return the fields by name."""
        # `()` is a row of no fields, and of one that is NULL.
        texts = [None] * len(self.names) if data == b"()" else _parse_text_record(bytes(data)[1:-1])
        fields = zip(self.names, self._loads, texts, strict=True)
        return {name: None if text is None else load(text) for name, load, text in fields}


class _DomainLoader(RecursiveLoader):
    """Loads a value of a domain as one of the type below it."""

    base_oid: int

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        """Find the loader of the type below."""
        super().__init__(oid, context)
        self._loader = self._tx.get_loader(self.base_oid, self.format)

    def load(self, data: Buffer) -> Any:
        """Return what the type below it gives."""
        return self._loader.load(data)


def _with_minutes(text: str) -> str:
    return f"{text}:00" if _HOURS.search(text) else text


def array_of(oid: int, delimiter: str) -> type[Loader]:
    """Return a loader of lists, whatever their dimensions and lower bounds are."""
    return type("ArrayOf", (ArrayLoader,), {"base_oid": oid, "delimiter": delimiter.encode()})


def range_of(oid: int) -> type[Loader]:
    """Return a loader of psycopg's Range."""
    return type("RangeOf", (RangeLoader,), {"subtype_oid": oid})


def multirange_of(oid: int) -> type[Loader]:
    """Return a loader of psycopg's Multirange."""
    return type("MultirangeOf", (MultirangeLoader,), {"subtype_oid": oid})


def composite_of(names: Sequence[str], types: Sequence[int]) -> type[Loader]:
    """Return a loader of objects."""
    return type("CompositeOf", (_CompositeLoader,), {"names": names, "types": types})


def domain_over(oid: int) -> type[Loader]:
    """Return a loader of the values of a domain."""
    return type("DomainOver", (_DomainLoader,), {"base_oid": oid})


def register_loaders(raw: psycopg.Connection[Any]) -> None:
    """Set the loaders of PostgreSQL's own types."""
    for name in _AS_TEXT:
        raw.adapters.register_loader(name, _TextLoader)
    for name in ("timestamp", "timestamptz"):
        raw.adapters.register_loader(name, _TimestampLoader)
    raw.adapters.register_loader("timetz", _TimeLoader)
    for name in ("int2vector", "oidvector"):
        raw.adapters.register_loader(name, _VectorLoader)
    set_json_loads(loads_exact, raw)
