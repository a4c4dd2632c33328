"""A psycopg cursor that takes rows in one by one, for statements that cannot be declared as cursors on the server.

`INSERT … RETURNING` may return any number of rows, and psycopg's own client-side cursor reads all of them into memory
before it returns the first one. This is psycopg's `stream()` with the methods of the DB API; it also knows the columns
of a result without rows. It uses the extended protocol, which runs only one statement, whatever the text says.

psycopg has no public API below `stream()`, so the class uses private names of its cursors (`_stream_send_gen`, `_tx`,
`_make_row_maker`, `_raise_for_result`).
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.generators import fetch

_ENDS = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY)


class RowByRowCursor(psycopg.RawCursor[Any]):
    """Executes one statement at a time; its rows must be read before the next statement."""

    _has_row = False

    def execute(self, query: Any, params: Any = None, **_more: Any) -> Any:
        """Send the statement, and wait for its first row or its end."""
        with self._conn.lock:
            # SQLAlchemy gives an empty dict where there are none, which a raw cursor does not take.
            self._conn.wait(self._stream_send_gen(query, params or None, size=1))
            self._advance(is_first=True)
        return self

    def fetchmany(self, size: int = 0) -> list[Any]:
        """Return up to `size` more rows."""
        rows: list[Any] = []
        with self._conn.lock:
            while self._has_row and len(rows) < (size or self.arraysize):
                rows.append(self._tx.load_row(0, self._make_row))
                self._advance(is_first=False)
        return rows

    def fetchone(self) -> Any:
        """Return the next row; None where there is none."""
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return list(iter(self.fetchone, None))

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
