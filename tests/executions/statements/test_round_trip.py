"""The helpers that write SQL for both databases."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Team
from executions.models import Execution, ExecutionStep
from executions.statements import round_trip as sql
from executions.statements.round_trip import Statement, update_returning
from executions.statements.rows import key
from tests.executions.rows import make_execution, make_step


def set_look_at(execution: Execution, expression: str, *params: float) -> Execution:
    statement = Statement(
        f"UPDATE {sql.EXECUTION} SET look_at = {expression} WHERE id = %s",  # noqa: S608  # our own constants
        [*params, key(execution.pk)],
    )
    return update_returning(Execution, statement)[0]


def is_between(before: datetime, at: datetime, after: datetime) -> bool:
    """Return whether it is, as far as a clock of milliseconds can say."""
    rounding = timedelta(milliseconds=2)
    return before - rounding <= at <= after + rounding


@pytest.mark.parametrize("seconds", [0, 0.001, 0.25, 1, 30.5, 604_800])
def test_after_is_counted_from_the_database_s_clock(driven: None, team: Team, seconds: float) -> None:
    execution, before = make_execution(team), timezone.now()
    row = set_look_at(execution, sql.after_sql(), seconds)
    assert row.look_at is not None
    assert is_between(before, row.look_at - timedelta(seconds=seconds), timezone.now())


def test_now(driven: None, team: Team) -> None:
    execution, before = make_execution(team), timezone.now()
    row = set_look_at(execution, sql.now_sql())
    assert row.look_at is not None
    assert is_between(before, row.look_at, timezone.now())


def test_milliseconds_are_whole_and_never_negative(driven: None, team: Team) -> None:
    def age(**started: object) -> int | None:
        execution = make_execution(team, **started)
        text = f"UPDATE {sql.EXECUTION} SET duration_ms = {sql.milliseconds_sql('started_at')} WHERE id = %s"  # noqa: S608  # our own constants
        return update_returning(Execution, Statement(text, [key(execution.pk)]))[0].duration_ms

    assert age(started_at=None) is None
    assert age(started_at=timezone.now() + timedelta(hours=1)) == 0
    five_seconds = age(started_at=timezone.now() - timedelta(seconds=5))
    assert five_seconds is not None
    assert 4_900 < five_seconds < 60_000


def test_a_returned_row_is_the_row_that_the_orm_gives(driven: None, team: Team) -> None:
    execution = make_execution(team, labels=["a", "b"], secrets={"variables": {"k": "v\0"}}, pins={"x": 1})
    make_step(execution, state={"k": [1, "\ud800"]}, response={"n": 2**70})
    returned = set_look_at(execution, "look_at")
    fresh = Execution.objects.get(pk=execution.pk)
    for field in Execution._meta.concrete_fields:
        assert getattr(returned, field.attname) == getattr(fresh, field.attname), field.attname
    text = f"UPDATE {sql.STEP} SET looks = 3 WHERE execution_id = %s"  # noqa: S608  # our own constant
    step = update_returning(ExecutionStep, Statement(text, [key(execution.pk)]))[0]
    assert (step.state, step.response, step.looks) == ({"k": [1, "\ud800"]}, {"n": 2**70}, 3)


def test_a_row_that_is_not_there(driven: None) -> None:
    text = f"UPDATE {sql.STEP} SET looks = 3 WHERE id = %s"  # noqa: S608  # our own constant
    assert update_returning(ExecutionStep, Statement(text, [key(uuid.uuid4())])) == []


def test_in_list() -> None:
    assert sql.in_list([1, 2, 3]) == "(%s, %s, %s)"


def test_the_tables_are_those_of_the_models(driven: None) -> None:
    assert {sql.STEP, sql.EXECUTION, sql.ATTEMPT} <= set(connection.introspection.table_names())
