"""PostgreSQL: the extended protocol, server-side cursors, the server's own deadline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import psycopg
import sqlalchemy as sa

from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.dialect import Dialect
from steprunners.clients.sql.lexicon import POSTGRESQL
from steprunners.clients.sql.postgresql.connecting import open_postgresql
from steprunners.clients.sql.postgresql.cursors import Connection, ServerSideCursor
from steprunners.clients.sql.postgresql.parameters import SPELLING, adapted, how_to_type, with_names
from steprunners.clients.sql.postgresql.row_by_row import RowByRowCursor
from steprunners.clients.sql.rendering import Rendered, Writer
from steprunners.clients.sql.statement import Statement
from steprunners.errors import ConnectionFailed, DeadlineExceeded, Refused, StepError
from steprunners.network import Call

_QUERY_CANCELED = "57014"


class PostgreSql(Dialect):
    """PostgreSQL 12 and later, and servers with the same protocol."""

    name = "PostgreSQL"
    drivername = "postgresql+psycopg"
    lexicon = POSTGRESQL
    reading = frozenset({"SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN"})
    driver_errors = (psycopg.Error,)
    engine_options: ClassVar[Mapping[str, Any]] = {"use_native_hstore": False}

    def connect(self, connection: SqlConnection, call: Call) -> Connection:
        """Connect to the addresses that the policy permits, and to no others."""
        raw = Connection(open_postgresql(connection, call))
        _configure(raw)
        return raw

    def descriptor(self, raw: psycopg.Connection[Any]) -> int:
        """Return libpq's socket."""
        return raw.fileno()

    def begin(self, connection: sa.Connection, *, read_only: bool, call: Call) -> None:
        """Begin; settings hold for the transaction. Times are in UTC, whatever the server's zone is."""
        raw: Any = connection.connection.driver_connection
        settings = {
            "statement_timeout": str(max(1, round(call.deadline.remaining() * 1000))),
            "timezone": "UTC",
            "datestyle": "ISO",
            "intervalstyle": "iso_8601",
            "standard_conforming_strings": "on",
            "extra_float_digits": "1",
        }
        if raw.info.server_version >= 140000:
            # So that a query ends soon after a cancellation closed the connection.
            settings["client_connection_check_interval"] = "500"
        commands = [f"BEGIN {'READ ONLY' if read_only else 'READ WRITE'}"]
        commands += [f"SET LOCAL {name} = '{value}'" for name, value in settings.items()]
        _simple(raw, "; ".join(commands))

    def clean(self, raw: psycopg.Connection[Any]) -> None:
        """Forget settings, temporary tables, advisory locks, prepared statements."""
        raw.rollback()
        _simple(raw, "DISCARD ALL")

    def render(self, statement: Statement, values: Mapping[str, Any]) -> Rendered:
        """Write binds as `$1`, `$2` and so on."""
        writer = Writer(values, SPELLING)
        text = writer.write(statement)
        return Rendered(text, tuple(adapted(value) for value in writer.values), tuple(writer.names))

    def streams(self, statement: Statement) -> bool:
        """Only queries that change nothing can be declared as cursors."""
        return (
            statement.verb in ("SELECT", "VALUES", "TABLE")
            and not statement.writes
            and not statement.has("INTO")
        )

    def is_spoilt(self, statement: Statement, *, unread: bool) -> bool:
        """Without a server-side cursor, unread rows are still coming."""
        return unread and not self.streams(statement)

    def explain(self, error: BaseException, names: Sequence[str] = ()) -> StepError:
        """Return the error with the message of the server, its detail and its hint."""
        if not isinstance(error, psycopg.Error):
            return StepError(f"the driver failed: {error}", code="driver_failed")
        message = error.diag.message_primary
        if error.sqlstate is None or message is None:
            return _without_state(error)
        if error.sqlstate == _QUERY_CANCELED and "timeout" in message:
            return DeadlineExceeded("the database ended the statement at the step's deadline")
        if error.sqlstate[:2] in ("08", "57") and error.sqlstate != _QUERY_CANCELED:
            return ConnectionFailed(f"the connection was lost: {message}")
        told = [
            with_names(message, names),
            error.diag.message_detail,
            error.diag.message_hint and f"Hint: {error.diag.message_hint}",
        ]
        text = "the database refuses it: " + " ".join(each for each in told if each)
        how = how_to_type(error.sqlstate, message, names)
        return Refused(text if how is None else f"{text.rstrip('.')}. {how}")

    def version(self, raw: psycopg.Connection[Any]) -> str:
        """Return the version number."""
        row = raw.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else ""


def _without_state(error: psycopg.Error) -> StepError:
    text = str(error).strip()
    if isinstance(error, psycopg.OperationalError):
        return ConnectionFailed(f"the connection was lost: {text.splitlines()[0] if text else 'closed'}")
    return Refused(f"the values do not fit the statement: {text}")


def _simple(raw: psycopg.Connection[Any], commands: str) -> None:
    """Run our own constant commands, in one message."""
    with psycopg.RawCursor(raw) as cursor:
        cursor.execute(commands.encode(), prepare=False)


def _configure(raw: Connection) -> None:
    raw.autocommit = True
    raw.prepare_threshold = None  # each step has a different statement
    raw.cursor_factory = RowByRowCursor
    raw.server_cursor_factory = ServerSideCursor
