"""MariaDB and MySQL through PyMySQL, which accepts an open socket and escapes values by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pymysql
import sqlalchemy as sa
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import conversions
from pymysql.cursors import Cursor, SSCursor

from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.dialect import Dialect
from steprunners.clients.sql.lexicon import MYSQL
from steprunners.clients.sql.parameters import portable
from steprunners.clients.sql.rendering import Rendered, Spelling, Writer
from steprunners.clients.sql.statement import Statement
from steprunners.clients.sql.values import loads_exact
from steprunners.errors import ConnectionFailed, DeadlineExceeded, Refused, StepError
from steprunners.network import Call, TlsOptions, open_socket
from steprunners.network.tls import context_for, why_untrusted

_LOGIN_CODES = frozenset({1044, 1045, 1049, 1130, 1698, 1820, 1862, 3118, 3159})
_TIMEOUT_CODES = frozenset({1969, 3024})
_LOST_CODES = frozenset({0, 1053, 1927, 2003, 2006, 2013, 2014, 2026, 4031})
_DATETIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\Z")
#: Statements that leave nothing in the session; others may leave temporary tables or variables.
_CLEAN_VERBS = frozenset(
    {
        "SELECT",
        "VALUES",
        "TABLE",
        "SHOW",
        "EXPLAIN",
        "DESC",
        "DESCRIBE",
        "INSERT",
        "UPDATE",
        "DELETE",
        "REPLACE",
    }
)
_NOTHING = "IN (SELECT {} FROM DUAL WHERE FALSE)"


def _in_nothing(width: int, *, is_negated: bool) -> str:
    return ("NOT " if is_negated else "") + _NOTHING.format(", ".join(["NULL"] * width))


_SPELLING = Spelling(
    place=lambda number: f"%(p{number})s",
    in_nothing=lambda is_negated, width: _in_nothing(width, is_negated=is_negated),
    text=lambda text: text.replace("%", "%%"),
)
_SESSION = (
    "SET SESSION time_zone = '+00:00', "
    # The statement was parsed with backslashes as escapes; PyMySQL writes values in the same way.
    "sql_mode = REPLACE(@@SESSION.sql_mode, 'NO_BACKSLASH_ESCAPES', '')"
)


def _datetime(text: str) -> str:
    match = _DATETIME.match(text)
    return f"{match[1]}T{match[2]}" if match else text


def _timestamp(text: str) -> str:
    return f"{_datetime(text)}+00:00" if _DATETIME.match(text) else text  # the session is in UTC


def _text(text: str) -> str:
    return text


def _bits(data: bytes) -> int:
    return int.from_bytes(data, "big")


_CONVERSIONS: dict[Any, Any] = {
    **conversions,
    FIELD_TYPE.DATETIME: _datetime,
    FIELD_TYPE.TIMESTAMP: _timestamp,
    FIELD_TYPE.DATE: _text,
    FIELD_TYPE.TIME: _text,  # up to 838 hours, which Python's time cannot hold
    FIELD_TYPE.JSON: loads_exact,
    FIELD_TYPE.BIT: _bits,
    Decimal: lambda value, _: format(value, "f"),  # an exponent would make it a double
}


class _StreamingCursor(SSCursor):
    """Reads row by row, and never reads the rest: PyMySQL's own cursor reads all rows before it closes."""

    _result: Any  # the stubs leave it out

    def close(self) -> None:
        """Forget the result; a connection with unread rows is thrown away."""
        if self._result is not None:
            self._result.unbuffered_active = False
        super().close()

    __del__ = close


class _Connection(pymysql.Connection):
    """Remembers the file descriptor of its socket, which stays the same under TLS."""

    descriptor: int

    def connect(self, sock: Any = None) -> None:
        """Log in through the socket."""
        self.descriptor = sock.fileno()
        super().connect(sock)


class MySql(Dialect):
    """MariaDB 10.5 and later, MySQL 8 and later."""

    name = "MariaDB"
    drivername = "mysql+pymysql"
    lexicon = MYSQL
    driver_errors = (pymysql.Error,)
    reading = frozenset({"SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESC", "DESCRIBE"})

    def connect(self, connection: SqlConnection, call: Call) -> Any:
        """Connect through the network policy; neither several statements nor LOCAL INFILE are enabled."""
        host, port = str(connection.host), connection.port or 3306
        raw: Any = _Connection(
            host=host.removesuffix("."),  # for TLS: certificates have no dot at the end
            port=port,
            user=connection.user,
            password=(connection.password or "").encode(),  # as bytes, letters beyond Latin-1 are kept
            database=connection.database,
            charset="utf8mb4",
            autocommit=True,
            local_infile=False,
            client_flag=CLIENT.FOUND_ROWS,  # an UPDATE counts the rows that it found, as everywhere else
            conv=_CONVERSIONS,
            defer_connect=True,
            init_command=_SESSION,
            **_tls(connection),
        )
        raw.connect(open_socket(call, host, port))
        return raw

    def descriptor(self, raw: Any) -> int | None:
        """Return the socket, unless the connection is closed."""
        return raw.descriptor if raw.open else None

    def begin(self, connection: sa.Connection, *, read_only: bool, call: Call) -> None:
        """Begin; after a COMMIT inside a routine the next transaction is read-only, too."""
        raw: Any = connection.connection.driver_connection
        access = "READ ONLY" if read_only else "READ WRITE"
        seconds = max(0.001, call.deadline.remaining())
        is_mariadb = "mariadb" in raw.server_version.lower()
        limit = (
            f"max_statement_time = {seconds:.3f}"
            if is_mariadb
            else f"max_execution_time = {round(seconds * 1000)}"
        )
        for command in (
            f"SET SESSION {limit}",
            f"SET SESSION TRANSACTION {access}",
            f"START TRANSACTION {access}",
        ):
            raw.query(command)
        raw.cursorclass = _StreamingCursor

    def clean(self, raw: Any) -> None:
        """Roll back and release the locks of GET_LOCK."""
        raw.cursorclass = Cursor
        raw.rollback()
        raw.query("SET SESSION TRANSACTION READ WRITE")
        raw.query("DO RELEASE_ALL_LOCKS()")

    def render(self, statement: Statement, values: Mapping[str, Any]) -> Rendered:
        """Write binds as %(p1)s and so on; every other % is doubled."""
        writer = Writer(values, _SPELLING)
        text = writer.write(statement)
        numbered = {f"p{number}": portable(value) for number, value in enumerate(writer.values, start=1)}
        return Rendered(text, numbered, tuple(writer.names))

    def streams(self, _statement: Statement) -> bool:
        """Return False: `begin` sets our own cursor class, which streams."""
        return False

    def is_spoilt(self, statement: Statement, *, unread: bool) -> bool:
        """Whether there are unread rows, or the statement may have left temporary tables or variables."""
        return unread or statement.verb not in _CLEAN_VERBS

    def explain(self, error: BaseException, names: Sequence[str] = ()) -> StepError:  # noqa: ARG002
        """Return the error with the message of the server."""
        code, message = _code_and_message(error)
        if (reason := why_untrusted(getattr(error, "original_exception", None) or error)) is not None:
            return ConnectionFailed(f"no safe connection to the server: {reason}")
        if code in _TIMEOUT_CODES:
            return DeadlineExceeded("the database ended the statement at the step's deadline")
        if code in _LOGIN_CODES:
            return Refused(f"the server refuses the login: {message}")
        if code in _LOST_CODES or isinstance(error, pymysql.err.InterfaceError):
            return ConnectionFailed(f"the connection was lost: {message or 'closed'}")
        if isinstance(error, pymysql.Error):
            return Refused(f"the database refuses it: {message}")
        return StepError(f"the driver failed: {error}", code="driver_failed")

    def version(self, raw: Any) -> str:
        """Return what the server said when it was connected to."""
        return str(raw.server_version)


def _code_and_message(error: BaseException) -> tuple[int | None, str]:
    first = error.args[0] if error.args else None
    message = str(error.args[1]) if len(error.args) > 1 else str(error)
    return (first if isinstance(first, int) else None), message


def _tls(connection: SqlConnection) -> dict[str, Any]:
    if connection.tls == "disable":
        return {"ssl_disabled": True}
    if connection.tls == "prefer":
        return {}
    verify = connection.tls == "verify"
    authority = connection.ca_certificate if verify else None
    return {"ssl": context_for(TlsOptions(verify=verify, ca_certificate=authority or None))}
