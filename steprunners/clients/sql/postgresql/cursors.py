"""Cursors that load every type of the database, and the connection that remembers what the types are.

They use private names of psycopg's cursors (`_tx`, `_format`), because its public interface registers types one by one,
by name, before a statement runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

from steprunners.clients.sql.postgresql.loaders import register_loaders
from steprunners.clients.sql.postgresql.parameters import register_dumpers
from steprunners.clients.sql.postgresql.records import UNTYPED, Field, FieldDumper, load_rows, with_names
from steprunners.clients.sql.postgresql.types import KnownTypes

#: The loader of unknown types gives the bytes of a binary value.
_UNKNOWN = 0


class Connection(psycopg.Connection[Any]):
    """A connection with what it knows about the types of its database."""

    def __init__(self, pgconn: pq.abc.PGconn) -> None:
        """Know only PostgreSQL's own types."""
        super().__init__(pgconn)
        self.known_types = KnownTypes()
        self.adapters.register_dumper(Field, FieldDumper)
        register_dumpers(self)
        register_loaders(self)


class TypedCursor(psycopg.RawCursor[Any]):
    """Learns the types of a result. The fields of rows without a type are loaded by the server's help."""

    #: The types of the columns where the result is in the binary format, else empty.
    _binary_types: Sequence[int] = ()

    def load_fields(self, fields: list[Field]) -> list[Any]:
        """Return the values of the fields; the server must not be busy with another statement."""
        places = ", ".join(f"${number}" for number in range(1, len(fields) + 1))
        with TypedCursor(self.connection) as cursor:
            cursor.execute(f"SELECT {places}".encode(), fields, prepare=False)
            cursor.set_loaders()
            return list(cursor.fetchone() or ())

    def set_loaders(self) -> None:
        """Learn the types of the result, whose rows are all there or have not been asked for."""
        if self.pgresult is not None and self.learn(types_of(self.pgresult)):
            self._tx.set_pgresult(self.pgresult, format=pq.Format.TEXT)

    def learn(self, oids: Sequence[int]) -> bool:
        """Set the loaders of the types; return whether there were any besides PostgreSQL's own."""
        raw: Any = self.connection
        if not raw.known_types.register(oids, raw, self.adapters):
            return False
        self._tx = Transformer(self)  # the old one keeps the loaders that it found before
        return True

    def leave_binary(self, oids: Sequence[int], *, extra: int = 0) -> None:
        """Return the rows as bytes from now on, for `load_binary`; `extra` columns have the names of fields."""
        self._binary_types = oids
        self._tx.set_loader_types([_UNKNOWN] * (len(oids) + extra), pq.Format.BINARY)

    def load_binary(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the rows of a binary result as values."""
        return load_rows(rows, self._binary_types, self.load_fields)


class _UntypedRows(psycopg.RawServerCursor[Any], TypedCursor):
    """Fetches the rows of a query with columns that have no type, with the names of their fields."""

    def __init__(self, connection: Any, name: str, oids: Sequence[int]) -> None:
        """Take the types of the query's columns."""
        super().__init__(connection, name)
        self._oids = oids

    def execute(self, query: Any, params: Any = None, **_more: Any) -> Any:
        """Declare the cursor."""
        super().execute(with_names(query, self._oids), params, binary=True)
        self.leave_binary(self._oids, extra=sum(oid in UNTYPED for oid in self._oids))
        return self

    def fetchmany(self, size: int = 0) -> list[Any]:
        """Return up to `size` more rows."""
        return self.load_binary(super().fetchmany(size))


class ServerSideCursor(psycopg.RawServerCursor[Any], TypedCursor):
    """Fetches rows piece by piece from a cursor on the server."""

    _untyped: _UntypedRows | None = None

    def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
        """Declare the cursor, and learn the types of its columns."""
        super().execute(query, params, **more)
        oids = types_of(self.pgresult)
        if UNTYPED.isdisjoint(oids):
            self.set_loaders()
        else:
            # This cursor stays as it is, for the description of the columns.
            self._untyped = _UntypedRows(self.connection, f"{self.name}_untyped", oids)
            self._untyped.execute(query, params)
        return self

    def fetchmany(self, size: int = 0) -> list[Any]:
        """Return up to `size` more rows."""
        return super().fetchmany(size) if self._untyped is None else self._untyped.fetchmany(size)

    def close(self) -> None:
        """Close the cursor on the server."""
        if self._untyped is not None:
            self._untyped.close()
        super().close()


def types_of(result: pq.abc.PGresult | None) -> list[int]:
    """Return the numbers of the types of the columns."""
    return [] if result is None else [result.ftype(number) for number in range(result.nfields)]
