"""Cursors that keep what they prepared."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from django.db import ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from executions.statements.database.cursors import cursor_of, prepared_cursor
from executions.statements.database.dialect import on_postgresql

TEXT = "SELECT %s::int + 1, %s::uuid, %s::timestamptz, %s::text, NULL::int, TRUE"


@pytest.fixture(autouse=True)
def _on_postgresql(db: None) -> None:
    if not on_postgresql():
        pytest.skip("PostgreSQL's own")


def ask(number: int) -> tuple[object, ...]:
    cursor = cursor_of(TEXT)
    identifier, moment = uuid.UUID(int=number), datetime(2026, 11, 22, 1, 2, 3, number, tzinfo=UTC)
    cursor.execute(TEXT, [number, identifier, moment, "é\n"])
    row: tuple[object, ...] = cursor.fetchone()
    assert row[1:] == (identifier, moment, "é\n", None, True)
    return row


def test_the_same_cursor_answers_again_with_other_values() -> None:
    assert [ask(number)[0] for number in (1, 2, 40_000)] == [2, 3, 40_001]
    assert cursor_of(TEXT).cursor is cursor_of(TEXT).cursor


def test_a_new_connection_has_new_cursors(transactional_db: None) -> None:
    before = cursor_of(TEXT).cursor
    connection.close()
    assert cursor_of(TEXT).cursor is not before
    assert ask(5)[0] == 6


def test_a_failed_statement_leaves_it_usable(transactional_db: None) -> None:
    with pytest.raises(ProgrammingError, match="operator"):
        cursor_of("SELECT 1 + %s::uuid").execute("SELECT 1 + %s::uuid", [uuid.uuid4()])
    assert ask(1)[0] == 2


def test_queries_are_seen() -> None:
    with CaptureQueriesContext(connection) as queries:
        ask(1)
        with prepared_cursor() as cursor:
            cursor.execute("SELECT %s::int", [3])
            assert cursor.fetchone() == (3,)
    assert len(queries) == 2
