"""The SQL that PostgreSQL and SQLite write differently says the same on both."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Team
from executions.models import Execution
from executions.statements.database import dialect
from executions.statements.database.dialect import EXECUTION, NOW, after, among, key, many, milliseconds_since
from executions.statements.database.rows import EXECUTION_ROW
from executions.statements.database.statement import fetch, instance
from tests.executions.rows import make_execution


def set_to(execution: Execution, column: str, expression: str, **parameters: Any) -> Execution:
    text = f"UPDATE {EXECUTION} SET {column} = {expression} WHERE id = %(id)s RETURNING {EXECUTION_ROW}"  # noqa: S608  # our own constants
    changed = instance(EXECUTION_ROW, text, {"id": key(execution.pk), **parameters})
    assert changed is not None
    return changed


def is_between(before: datetime, at: datetime, after: datetime) -> bool:
    """Whether it is, as far as a clock of milliseconds can say."""
    rounding = timedelta(milliseconds=2)
    return before - rounding <= at <= after + rounding


@pytest.mark.parametrize("seconds", [0, 0.001, 0.25, 1, 30.5, 604_800])
def test_after_counts_from_the_database_s_clock(driven: None, team: Team, seconds: float) -> None:
    execution, before = make_execution(team), timezone.now()
    row = set_to(execution, "look_at", after("%(seconds)s"), seconds=seconds)
    assert row.look_at is not None
    assert is_between(before, row.look_at - timedelta(seconds=seconds), timezone.now())


def test_now_is_the_database_s_clock(driven: None, team: Team) -> None:
    execution, before = make_execution(team), timezone.now()
    row = set_to(execution, "look_at", NOW)
    assert row.look_at is not None
    assert is_between(before, row.look_at, timezone.now())


def test_milliseconds_are_whole_and_never_negative(driven: None, team: Team) -> None:
    def age(**started: object) -> int | None:
        execution = make_execution(team, **started)
        return set_to(execution, "duration_ms", milliseconds_since("started_at")).duration_ms

    assert age(started_at=None) is None
    assert age(started_at=timezone.now() + timedelta(hours=1)) == 0
    five_seconds = age(started_at=timezone.now() - timedelta(seconds=5))
    assert five_seconds is not None
    assert 4_900 < five_seconds < 60_000


@pytest.mark.parametrize("count", [0, 1, 3, 2_000])
def test_among_takes_any_number_of_keys(driven: None, team: Team, count: int) -> None:
    wanted = [make_execution(team).pk for _ in range(min(count, 3))]
    make_execution(team)
    others = [uuid.uuid4() for _ in range(count - len(wanted))]
    found = fetch(f"SELECT id FROM {EXECUTION} WHERE id {among('ids')}", {"ids": many([*wanted, *others])})  # noqa: S608  # our own constants
    assert {dialect.uuid_of(row[0]) for row in found} == set(wanted)


def test_among_takes_numbers(driven: None, team: Team) -> None:
    for sequence in (1, 2, 70_000):
        make_execution(team, sequence=sequence)
    text = f"SELECT sequence FROM {EXECUTION} WHERE sequence {among('numbers')}"  # noqa: S608  # our own constants
    assert sorted(fetch(text, {"numbers": many([2, 70_000, 9])})) == [(2,), (70_000,)]


def test_the_tables_are_those_of_the_models(driven: None) -> None:
    tables = {dialect.STEP, dialect.EXECUTION, dialect.ATTEMPT}
    assert tables <= set(connection.introspection.table_names())


def test_a_statement_is_on_one_line() -> None:
    assert dialect.sql("\n  SELECT 1,\n     2\n") == "SELECT 1, 2"
