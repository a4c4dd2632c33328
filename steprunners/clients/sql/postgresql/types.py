"""Learns the types that a database has besides PostgreSQL's own: enums, domains, composites, ranges, their arrays.

A result names its types only by number (oid). What a number means is asked from the system catalog, only where it is
none of PostgreSQL's own types, and then remembered for the connection: a type that is created again has another
number. The fields of a composite can change under the same number, so what contains a composite is asked each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import postgres
from psycopg.adapt import AdaptersMap, Loader
from psycopg.types.hstore import HstoreLoader

from steprunners.clients.sql.postgresql.loaders import (
    array_of,
    composite_of,
    domain_over,
    multirange_of,
    range_of,
)

#: The numbers of types that psycopg knows.
_BUILT_IN = frozenset(oid for info in postgres.types for oid in (info.oid, info.array_oid))
#: `rngmultitypid` is new in PostgreSQL 14, so it is read in a way that is no error before.
_QUERY = b"""
WITH RECURSIVE needed AS (
    SELECT unnest($1::oid[]) AS oid
    UNION
    SELECT part.oid FROM needed JOIN pg_catalog.pg_type type USING (oid) CROSS JOIN LATERAL (
        SELECT type.typelem WHERE type.typcategory = 'A'
        UNION ALL SELECT type.typbasetype
        UNION ALL SELECT rngsubtype FROM pg_catalog.pg_range WHERE rngtypid = type.oid
        UNION ALL SELECT rngsubtype FROM pg_catalog.pg_range r
            WHERE type.typtype = 'm' AND to_jsonb(r) ->> 'rngmultitypid' = type.oid::text
        UNION ALL SELECT atttypid FROM pg_catalog.pg_attribute
            WHERE type.typtype = 'c' AND attrelid = type.typrelid AND attnum > 0 AND NOT attisdropped
    ) AS part (oid)
    WHERE part.oid <> 0
)
SELECT type.oid::bigint, type.typname::text, type.typtype::text, type.typcategory::text,
    type.typelem::bigint, element.typdelim::text, type.typbasetype::bigint,
    (SELECT rngsubtype::bigint FROM pg_catalog.pg_range r
        WHERE rngtypid = type.oid
            OR (type.typtype = 'm' AND to_jsonb(r) ->> 'rngmultitypid' = type.oid::text)),
    field.names, field.types
FROM needed JOIN pg_catalog.pg_type type USING (oid)
LEFT JOIN pg_catalog.pg_type element ON element.oid = type.typelem
CROSS JOIN LATERAL (
    SELECT array_agg(attname::text ORDER BY attnum) AS names, array_agg(atttypid::bigint ORDER BY attnum) AS types
    FROM pg_catalog.pg_attribute
    WHERE type.typtype = 'c' AND attrelid = type.typrelid AND attnum > 0 AND NOT attisdropped
) AS field
"""


@dataclass(frozen=True)
class _Type:
    """A row of the system catalog: `pg_type`, with what is needed of the tables around it."""

    oid: int
    name: str
    kind: str
    category: str
    element: int
    delimiter: str | None
    base: int
    subtype: int | None
    field_names: Sequence[str] | None
    field_types: Sequence[int] | None

    @property
    def parts(self) -> list[int]:
        """The numbers of the types that it is made of."""
        if self.kind == "c":
            return list(self.field_types or [])
        return [oid for oid in (self._element_of_array, self.base, self.subtype) if oid]

    @property
    def loader(self) -> type[Loader] | None:
        """What loads its values; None for text, such as a value of an enum."""
        if self.kind == "c":
            return composite_of(self.field_names or [], self.field_types or [])
        if self.kind == "d":
            return domain_over(self.base)
        if self.subtype is not None:
            return range_of(self.subtype) if self.kind == "r" else multirange_of(self.subtype)
        if self._element_of_array:
            return array_of(self.element, self.delimiter or ",")
        return HstoreLoader if self.name == "hstore" else None

    @property
    def _element_of_array(self) -> int:
        return self.element if self.kind == "b" and self.category == "A" else 0


class KnownTypes:
    """What one connection knows about the types of its database."""

    def __init__(self) -> None:
        """Know only PostgreSQL's own types."""
        self._settled: dict[int, _Type] = {}

    def register(self, oids: Iterable[int], raw: psycopg.Connection[Any], adapters: AdaptersMap) -> bool:
        """Set the loaders of these types in `adapters`; return whether there were any besides PostgreSQL's own."""
        foreign = set(oids) - _BUILT_IN
        if not foreign:
            return False
        found = self._found(foreign, raw)
        for each in found.values():
            if (loader := each.loader) is not None:
                adapters.register_loader(each.oid, loader)
        return True

    def _found(self, oids: set[int], raw: psycopg.Connection[Any]) -> dict[int, _Type]:
        """Return these types and those that they are made of."""
        if not oids <= self._settled.keys():
            asked = _ask(oids, raw)
            self._settled |= {oid: each for oid, each in asked.items() if not _changes(each, asked)}
            return asked
        found: dict[int, _Type] = {}
        waiting = list(oids)
        while waiting:
            oid = waiting.pop()
            if oid in self._settled and oid not in found:
                found[oid] = self._settled[oid]
                waiting += found[oid].parts
        return found


def _ask(oids: set[int], raw: psycopg.Connection[Any]) -> dict[int, _Type]:
    with psycopg.RawCursor(raw) as cursor:
        rows = cursor.execute(_QUERY, (list(oids),), prepare=False).fetchall()
    return {row[0]: _Type(*row) for row in rows if row[0] not in _BUILT_IN}


def _changes(found: _Type, known: dict[int, _Type]) -> bool:
    """Whether the type is or contains a composite; PostgreSQL allows no type that contains itself."""
    if found.kind == "c":
        return True
    return any(_changes(known[oid], known) for oid in found.parts if oid in known)
