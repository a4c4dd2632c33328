"""SQLite files below the configured folder: no ATTACH, no PRAGMA, no extensions, ended at the deadline."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.dialect import Dialect
from steprunners.clients.sql.lexicon import SQLITE
from steprunners.clients.sql.parameters import portable
from steprunners.clients.sql.rendering import Rendered, Spelling, Writer
from steprunners.clients.sql.statement import Statement
from steprunners.errors import AddressRefused, ConnectionFailed, Refused, StepError
from steprunners.network import Call

_STEPS_BETWEEN_CHECKS = 5_000
#: How long to wait for a writer of another connection; a cancellation is seen after this time at the latest.
_BUSY_SECONDS = 2.0
_INTEGER_END = 2**63
_MAX_VALUE_BYTES = 16 * 1024 * 1024
_FORBIDDEN = {
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
}


_SPELLING = Spelling(
    place=lambda number: f"?{number}",
    in_nothing=lambda is_negated, _: "NOT IN ()" if is_negated else "IN ()",
    rows="VALUES ",
)


class Sqlite(Dialect):
    """A file; a connection is opened for each step."""

    name = "SQLite"
    drivername = "sqlite+pysqlite"
    lexicon = SQLITE
    reading = frozenset({"SELECT", "VALUES", "EXPLAIN"})
    pooled = False
    driver_errors = (sqlite3.Error, sqlite3.Warning)

    def connect(self, connection: SqlConnection, call: Call) -> sqlite3.Connection:
        """Open the file, which must exist."""
        path = database_file(connection.database, call.policy.sqlite_folder)
        raw = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=min(_BUSY_SECONDS, call.deadline.remaining()),
            isolation_level=None,
            check_same_thread=False,
        )
        raw.text_factory = _as_text
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        raw.execute("SELECT count(*) FROM sqlite_master")  # is it a database at all?
        return raw

    def descriptor(self, raw: sqlite3.Connection) -> None:
        """Return None: there is no socket."""

    def begin(self, connection: sa.Connection, *, read_only: bool, call: Call) -> None:
        """Begin; from now on a deadline or cancellation stops the statement, and other files cannot be reached."""
        raw: Any = connection.connection.driver_connection
        raw.create_function("regexp", 2, None)  # SQLAlchemy's function uses `re`, which hostile patterns hang
        raw.execute(f"PRAGMA query_only = {int(read_only)}")
        raw.execute("BEGIN" if read_only else "BEGIN IMMEDIATE")
        raw.set_authorizer(_authorise)
        raw.set_progress_handler(lambda: _is_over(call), _STEPS_BETWEEN_CHECKS)

    def clean(self, raw: sqlite3.Connection) -> None:
        """Roll back; the connection is closed afterwards."""
        raw.set_progress_handler(None, 0)
        raw.rollback()

    def render(self, statement: Statement, values: Mapping[str, Any]) -> Rendered:
        """Write binds as `?1`, `?2` and so on: SQLite compares each name with all others."""
        writer = Writer(values, _SPELLING)
        text = writer.write(statement)
        return Rendered(text, tuple(_storable(value) for value in writer.values), tuple(writer.names))

    def explain(self, error: BaseException, names: Sequence[str] = ()) -> StepError:  # noqa: ARG002
        """Return the error with the message of SQLite."""
        if isinstance(error, sqlite3.Error | sqlite3.Warning):
            return Refused(f"the database refuses it: {error}")
        return StepError(f"the driver failed: {error}", code="driver_failed")

    def version(self, _raw: sqlite3.Connection) -> str:
        """Return the library's version."""
        return sqlite3.sqlite_version


def database_file(name: str, folder: str | None) -> Path:
    """Return the file; raise AddressRefused outside the folder, ConnectionFailed where it does not exist."""
    if folder is None:
        raise AddressRefused("SQLite files are not allowed here: an administrator can set SQLITE_FOLDER")
    root = Path(folder).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise AddressRefused("database must stay inside the folder for SQLite files")
    if not path.is_file():
        raise ConnectionFailed(f"there is no SQLite file {name}")
    return path


def _as_text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _storable(value: Any) -> Any:
    plain = portable(value)
    if isinstance(plain, Decimal):
        return _sqlite_number(plain)
    return plain if plain is None or isinstance(plain, bool | int | float | str | bytes) else str(plain)


def _sqlite_number(value: Decimal) -> float:
    """Return an integer of 64 bits or a double: SQLite has no other numbers, and would compare a text as text."""
    is_integer = value == value.to_integral_value() and abs(value) < _INTEGER_END
    return int(value) if is_integer else float(value)


def _authorise(action: int, *_: Any) -> int:
    return sqlite3.SQLITE_DENY if action in _FORBIDDEN else sqlite3.SQLITE_OK


def _is_over(call: Call) -> bool:
    return call.cancellation.is_cancelled or call.deadline.remaining() <= 0
