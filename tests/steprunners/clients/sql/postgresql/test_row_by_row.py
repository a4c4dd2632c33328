"""The cursor that takes rows in one by one, on a real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from steprunners.clients.sql.postgresql.cursors import Connection
from steprunners.clients.sql.postgresql.row_by_row import RowByRowCursor


@pytest.fixture
def cursor() -> Iterator[RowByRowCursor]:
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        pytest.skip("the tests run on SQLite")
    with Connection.connect(url, autocommit=True, cursor_factory=RowByRowCursor) as connection:
        yield RowByRowCursor(connection)


def status(cursor: RowByRowCursor) -> TransactionStatus:
    return cursor.connection.info.transaction_status


def columns(cursor: RowByRowCursor) -> list[str]:
    return [column.name for column in cursor.description or []]


def test_rows_come_as_they_are_asked_for(cursor: RowByRowCursor) -> None:
    cursor.execute("SELECT n, n::text AS word FROM generate_series(1, $1::int) n", (100_000,))

    assert columns(cursor) == ["n", "word"]
    assert cursor.fetchmany(2) == [(1, "1"), (2, "2")]
    assert status(cursor) == TransactionStatus.ACTIVE  # the others are still on their way
    assert len(cursor.fetchall()) == 99_998
    assert cursor.fetchone() is None
    assert status(cursor) == TransactionStatus.IDLE


def test_no_rows_have_columns_too(cursor: RowByRowCursor) -> None:
    cursor.execute("SELECT 1 AS one WHERE false", {})

    assert (columns(cursor), cursor.fetchmany(5)) == (["one"], [])


def test_a_statement_without_rows_counts(cursor: RowByRowCursor) -> None:
    cursor.execute("CREATE TEMPORARY TABLE numbers (n int)")
    cursor.execute("INSERT INTO numbers SELECT generate_series(1, 3)")

    assert (cursor.description, cursor.rowcount, cursor.fetchall()) == (None, 3, [])


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("SELECT 1; SELECT 2", psycopg.errors.SyntaxError),
        ("SELECT nothing", psycopg.errors.UndefinedColumn),
    ],
)
def test_one_statement_that_is_right(cursor: RowByRowCursor, query: str, error: Any) -> None:
    with pytest.raises(error):
        cursor.execute(query)
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_an_error_in_the_midst_of_the_rows(cursor: RowByRowCursor) -> None:
    cursor.execute("SELECT 10 / (5 - n) FROM generate_series(1, 9) n")

    with pytest.raises(psycopg.errors.DivisionByZero):
        cursor.fetchall()
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]
