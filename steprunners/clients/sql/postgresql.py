"""PostgreSQL through psycopg: connects to checked addresses, uses the extended protocol and server-side cursors."""

from __future__ import annotations

import re
import select
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import certifi
import psycopg
import sqlalchemy as sa
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb, set_json_loads

from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.dialect import Dialect, Rendered
from steprunners.clients.sql.lexicon import POSTGRESQL
from steprunners.clients.sql.parameters import Document
from steprunners.clients.sql.row_by_row import RowByRowCursor
from steprunners.clients.sql.statement import Statement
from steprunners.clients.sql.values import loads_exact
from steprunners.errors import ConnectionFailed, DeadlineExceeded, Refused, StepError
from steprunners.network import Call
from steprunners.network.sockets import resolve
from steprunners.values.sent_text import json_of

_SSL_MODES = {"disable": "disable", "prefer": "prefer", "require": "require", "verify": "verify-full"}
_POLL_SECONDS = 0.05
#: Types that are shown as PostgreSQL writes them: Python's types have smaller ranges, or JSON has no form for them.
_AS_TEXT = [
    "date",
    "time",
    "timetz",
    "interval",
    "uuid",
    "inet",
    "cidr",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "datemultirange",
    "tsmultirange",
    "tstzmultirange",
]
_TIMESTAMP = re.compile(r"(\d+-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d(?::\d\d)*)?( BC)?\Z")
_LIBPQ_PREFIX = re.compile(r"^.*?connection to server [^\n]*? failed: ", re.DOTALL)
_QUERY_CANCELED = "57014"


class _TextLoader(Loader):
    """Leaves a value as PostgreSQL writes it."""

    def load(self, data: Buffer) -> str:
        """Return the text."""
        return bytes(data).decode("utf-8", "replace")


class _TimestampLoader(Loader):
    """Writes a timestamp as ISO 8601; infinity and dates BC stay as PostgreSQL writes them."""

    def load(self, data: Buffer) -> str:
        """Return the text with a T, and with minutes in the offset."""
        text = bytes(data).decode()
        match = _TIMESTAMP.match(text)
        if match is None or match[4]:
            return text
        offset = match[3] or ""
        return f"{match[1]}T{match[2]}{offset + ':00' if len(offset) == 3 else offset}"


class PostgreSql(Dialect):
    """PostgreSQL 12 and later, and servers with the same protocol."""

    name = "PostgreSQL"
    drivername = "postgresql+psycopg"
    lexicon = POSTGRESQL
    reading = frozenset({"SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN"})
    driver_errors = (psycopg.Error,)
    engine_options: ClassVar[Mapping[str, Any]] = {"use_native_hstore": False}

    def connect(self, connection: SqlConnection, call: Call) -> psycopg.Connection[Any]:
        """Connect to the addresses that the policy permits, and to no others."""
        host, port = str(connection.host), connection.port or 5432
        addresses = call.policy.permitted(host, resolve(call, host, port), port)
        with _authority(connection) as authority:
            conninfo = make_conninfo(
                "",
                host=",".join([host.removesuffix(".")] * len(addresses)),
                hostaddr=",".join(addresses),
                port=port,
                dbname=connection.database,
                user=connection.user,
                password=connection.password or "",
                sslmode=_SSL_MODES[connection.tls],
                sslrootcert=authority,
                gssencmode="disable",
                client_encoding="utf8",
                application_name="AsyncTestingService",
                # The account of the worker may have a password file; tenants must not use it.
                passfile="/nonexistent/pgpass",
            )
            raw = psycopg.Connection[Any](_connected(conninfo, call, f"{host}:{port}"))
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
        numbers = {name: f"${number}" for number, name in enumerate(values, start=1)}
        text = "".join(part if isinstance(part, str) else numbers[part.name] for part in statement.parts)
        return Rendered(text, tuple(_adapted(value) for value in values.values()))

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

    def explain(self, error: BaseException) -> StepError:
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
            message,
            error.diag.message_detail,
            error.diag.message_hint and f"Hint: {error.diag.message_hint}",
        ]
        return Refused("the database refuses it: " + " ".join(each for each in told if each))

    def version(self, raw: psycopg.Connection[Any]) -> str:
        """Return the version number."""
        row = raw.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else ""


def _without_state(error: psycopg.Error) -> StepError:
    text = str(error).strip()
    if isinstance(error, psycopg.OperationalError):
        return ConnectionFailed(f"the connection was lost: {text.splitlines()[0] if text else 'closed'}")
    return Refused(f"the values do not fit the statement: {text}")


def _adapted(value: Any) -> Any:
    return Jsonb(value.value, json_of) if isinstance(value, Document) else value


def _simple(raw: psycopg.Connection[Any], commands: str) -> None:
    """Run our own constant commands, in one message."""
    with psycopg.RawCursor(raw) as cursor:
        cursor.execute(commands.encode(), prepare=False)


def _configure(raw: psycopg.Connection[Any]) -> None:
    raw.autocommit = True
    raw.prepare_threshold = None  # each step has a different statement
    raw.cursor_factory = RowByRowCursor
    raw.server_cursor_factory = psycopg.RawServerCursor
    for name in _AS_TEXT:
        raw.adapters.register_loader(name, _TextLoader)
    for name in ("timestamp", "timestamptz"):
        raw.adapters.register_loader(name, _TimestampLoader)
    set_json_loads(loads_exact, raw)


@contextmanager
def _authority(connection: SqlConnection) -> Any:
    """Yield the file of the trusted authorities: libpq reads them only from a file."""
    if connection.tls != "verify":
        yield None
    elif not connection.ca_certificate:
        yield certifi.where()
    else:
        with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="utf-8", errors="replace") as file:
            file.write(connection.ca_certificate)
            file.flush()
            yield file.name


def _connected(conninfo: str, call: Call, place: str) -> pq.abc.PGconn:
    """Connect without blocking, so that the deadline or a cancellation ends it, whatever the server does."""
    pgconn = pq.PGconn.connect_start(conninfo.encode())
    while pgconn.status != pq.ConnStatus.BAD:
        status = pgconn.connect_poll()
        if status == pq.PollingStatus.OK:
            pgconn.nonblocking = 1
            call.watch_descriptor(pgconn.socket)
            return pgconn
        if status == pq.PollingStatus.FAILED:
            break
        _wait(pgconn.socket, status, call)
    message = pgconn.get_error_message("utf-8")
    pgconn.finish()
    call.check()
    raise _why_not_connected(message, place)


def _wait(descriptor: int, status: int, call: Call) -> None:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN if status == pq.PollingStatus.READING else select.POLLOUT)
    while True:
        call.check()
        if poller.poll(1000 * min(_POLL_SECONDS, call.deadline.remaining() or 0.001)):
            return


def _why_not_connected(message: str, place: str) -> StepError:
    text = _LIBPQ_PREFIX.sub("", message).strip()
    if "FATAL:" in text:
        return Refused(f"the server refuses the login: {text.split('FATAL:')[-1].strip()}")
    first = text.splitlines()[0] if text else "no answer"
    if "SSL" in text or "certificate" in text:
        return ConnectionFailed(f"no safe connection to {place}: {first}")
    if "Connection refused" in text:
        return ConnectionFailed(f"cannot connect to {place}: connection refused (nothing listens there)")
    return ConnectionFailed(f"cannot connect to {place}: {first}")
