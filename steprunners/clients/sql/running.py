"""Runs one statement through the network policy, and reads its rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.dialect import Dialect, check_allowed
from steprunners.clients.sql.mysql import MySql
from steprunners.clients.sql.parameters import bound_values
from steprunners.clients.sql.pool import connected
from steprunners.clients.sql.postgresql import PostgreSql
from steprunners.clients.sql.sqlite import Sqlite
from steprunners.clients.sql.statement import parse_statement
from steprunners.clients.sql.values import size_of, to_json, unique_names
from steprunners.errors import BadConfig, StepError
from steprunners.json_types import Json
from steprunners.network import Call

_DIALECTS: Mapping[str, Dialect] = {
    "postgresql": PostgreSql(),
    "mysql": MySql(),
    "mariadb": MySql(),
    "sqlite": Sqlite(),
}
_CHUNK = 200


@dataclass(frozen=True)
class Request:
    """What to run."""

    query: str
    parameters: Mapping[str, Json]
    max_rows: int
    read_only: bool


@dataclass
class Answer:
    """The result; `affected` is None for a statement that only reads."""

    columns: list[str] = field(default_factory=list)
    rows: list[Json] = field(default_factory=list)
    is_cut: bool = False
    affected: int | None = None
    milliseconds: float = 0.0


def dialect_of(connection: SqlConnection) -> Dialect:
    """Return the dialect of the connection's engine."""
    return _DIALECTS[connection.engine]


def run_statement(connection: SqlConnection, request: Request, call: Call) -> Answer:
    """Run the statement and return its rows; raise StepError where it cannot run or is refused."""
    dialect = dialect_of(connection)
    statement = parse_statement(request.query, dialect.lexicon)
    check_allowed(dialect, statement, read_only=request.read_only)
    rendered = dialect.render(statement, bound_values(statement, request.parameters))
    with (
        call.guarded(),
        explained(dialect, call, rendered.names),
        connected(dialect, connection, call) as loan,
    ):
        dialect.begin(loan.connection, read_only=request.read_only, call=call)
        started = time.monotonic()
        streaming = loan.connection.execution_options(stream_results=dialect.streams(statement))
        with streaming.exec_driver_sql(rendered.text, rendered.values) as result:
            answer = _take(result, request, call)
            loan.is_spoilt = dialect.is_spoilt(statement, unread=answer.is_cut and request.read_only)
        if not request.read_only:
            loan.raw.commit()
        if request.read_only or statement.verb in dialect.reading:
            answer.affected = None
        answer.milliseconds = (time.monotonic() - started) * 1000
        return answer


@contextmanager
def explained(dialect: Dialect, call: Call, names: Sequence[str] = ()) -> Iterator[None]:
    """Turn the errors of a driver into a StepError; a deadline or cancellation takes precedence.

    `names` are the binds in the order of the values.
    """
    try:
        yield
    except StepError:
        raise
    except exc.DBAPIError as error:
        call.check()
        raise dialect.explain(error.orig or error, names) from error
    except UnicodeError as error:
        raise BadConfig("the query or a parameter contains half a character (a lone surrogate)") from error
    except OverflowError as error:
        raise BadConfig(f"a parameter is too large for the database: {error}") from error
    except _failures(dialect) as error:
        call.check()
        raise dialect.explain(error, names) from error


def _failures(dialect: Dialect) -> tuple[type[Exception], ...]:
    return (exc.SQLAlchemyError, OSError, ValueError, TypeError, *dialect.driver_errors)


def _take(result: sa.CursorResult[Any], request: Request, call: Call) -> Answer:
    if not result.returns_rows:
        return Answer(affected=result.rowcount if result.rowcount >= 0 else None)
    answer = Answer(columns=unique_names([str(name) for name in result.keys()]))  # noqa: SIM118 - no dict
    size = seen = 0
    while not answer.is_cut and (chunk := result.fetchmany(min(_CHUNK, request.max_rows + 1))):
        call.check()
        seen += len(chunk)
        for row in chunk[: request.max_rows - len(answer.rows)]:
            answer.rows.append(dict(zip(answer.columns, map(to_json, row), strict=True)))
            size += size_of(answer.rows[-1])
        _check_size(size, call)
        answer.is_cut = seen > request.max_rows
    if answer.is_cut and not request.read_only:
        # A statement that changes rows must finish before it is committed.
        while chunk := result.fetchmany(_CHUNK):
            call.check()
            seen += len(chunk)
    answer.affected = seen
    return answer


def _check_size(size: int, call: Call) -> None:
    if size > call.policy.max_body_bytes:
        raise StepError(
            f"the rows take more than {call.policy.max_body_bytes:,} bytes: select fewer columns or lower maxRows",
            code="response_too_large",
        )
