"""A psycopg cursor that takes rows in one by one, for statements that cannot be declared as cursors on the server.

`INSERT … RETURNING` may return any number of rows, and psycopg's own client-side cursor reads all of them into memory
before it returns the first one. This is psycopg's `stream()` with the methods of the DB API; it also knows the columns
of a result without rows. It uses the extended protocol, which runs only one statement, whatever the text says.

psycopg has no public API below `stream()`, so the class uses private names of its cursors (`_stream_send_gen`, `_tx`,
`_make_row_maker`, `_raise_for_result`).
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.generators import execute, fetch

from steprunners.clients.sql.postgresql.cursors import TypedCursor, types_of
from steprunners.clients.sql.postgresql.records import UNTYPED

_ENDS = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY)
#: Statements that change rows have none themselves without this word.
_CHANGING = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_RETURNING = re.compile(r"\bRETURNING\b", re.IGNORECASE)
#: Rows without a type are loaded when all of them have come, so they must fit into memory.
MAX_BINARY_BYTES = 16 * 1024 * 1024


class RowByRowCursor(TypedCursor):
    """Executes one statement at a time; its rows must be read before the next statement."""

    _has_row = False
    _binary_rows: list[Any]

    def execute(self, query: Any, params: Any = None, **_more: Any) -> Any:
        """Send the statement, and wait for its first row or its end."""
        # SQLAlchemy gives an empty dict where there are none, which a raw cursor does not take.
        params = params or None
        oids = self._described(query, params) if _may_have_rows(query) else []
        binary = not UNTYPED.isdisjoint(oids)
        if not binary:
            self.learn(oids)
        with self._conn.lock:
            self._conn.wait(self._stream_send_gen(query, params, size=1, binary=binary))
            self._advance(is_first=True)
            if binary:
                self._take_all(oids)
        return self

    def fetchmany(self, size: int = 0) -> list[Any]:
        """Return up to `size` more rows."""
        size = size or self.arraysize
        if self._binary_types:
            taken, self._binary_rows = self._binary_rows[:size], self._binary_rows[size:]
            return self.load_binary(taken)
        with self._conn.lock:
            return list(self._rows(size))

    def fetchone(self) -> Any:
        """Return the next row; None where there is none."""
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return list(iter(self.fetchone, None))

    def _described(self, query: Any, params: Any) -> list[int]:
        """Ask for the types of the columns before the statement runs: afterwards the connection is busy with rows."""
        with self._conn.lock:
            return types_of(self._conn.wait(self._describe(query, params)))

    def _describe(self, query: Any, params: Any) -> PQGen[Any]:
        yield from self._start_query(query)
        sent = self._convert_query(query, params)
        self._pgconn.send_prepare(b"", sent.query, param_types=sent.types)
        self._check_results((yield from execute(self._pgconn)))
        self._pgconn.send_describe_prepared(b"")
        results = yield from execute(self._pgconn)
        self._check_results(results)
        return results[-1]

    def _take_all(self, oids: list[int]) -> None:
        self.leave_binary(oids)
        self._binary_rows = []
        size = 0
        for row in self._rows(None):
            size += sum(len(value or b"") for value in row)
            if size > MAX_BINARY_BYTES:
                raise psycopg.DataError(
                    f"rows without a type (ROW) take more than {MAX_BINARY_BYTES:,} bytes"
                )
            self._binary_rows.append(row)

    def _rows(self, most: int | None) -> Any:
        taken = 0
        while self._has_row and (most is None or taken < most):
            row = self._tx.load_row(0, self._make_row)
            self._advance(is_first=False)
            taken += 1
            yield row

    def _advance(self, *, is_first: bool) -> None:
        result = self._conn.wait(self._next_result())
        self._has_row = result.status == pq.ExecStatus.SINGLE_TUPLE
        if is_first or self._has_row:
            self.pgresult = result
            self._tx.set_pgresult(result, set_loaders=is_first)
        if is_first:
            self._make_row = self._make_row_maker()
        if not self._has_row:
            self._rowcount = -1 if result.command_tuples is None else result.command_tuples

    def _next_result(self) -> PQGen[Any]:
        """Wait for a row or the statement's end; raises what the server says."""
        result = yield from fetch(self._pgconn)
        if result is None or result.status == pq.ExecStatus.SINGLE_TUPLE:
            return result
        while (yield from fetch(self._pgconn)) is not None:
            pass  # the protocol must be read to its end
        if result.status not in _ENDS:
            self._raise_for_result(result)
        return result


def _may_have_rows(query: str) -> bool:
    return _CHANGING.match(query) is None or _RETURNING.search(query) is not None
