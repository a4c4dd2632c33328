"""Every statement follows the table of statuses, and the database refuses rows that nobody would look at."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Team
from executions import statements
from executions.engine.cancel import AlreadyOver, cancel_execution
from executions.engine.progress import cancel_open_steps, end_phase
from executions.models import Execution, ExecutionStep
from executions.statements.step import Change
from executions.states import (
    EXECUTION_TERMINAL,
    EXECUTION_TRANSITIONS,
    STEP_TERMINAL,
    STEP_TRANSITIONS,
    ExecutionStatus,
    StepStatus,
)
from tests.executions.driving import begin, delay, drive
from tests.executions.rows import make_execution, make_step
from tests.executions.statements.claimed import ALL_RANGES, end, now


@pytest.mark.parametrize("status", sorted(STEP_TERMINAL))
def test_no_statement_changes_a_terminal_step(driven: None, team: Team, status: str) -> None:
    execution = make_execution(team, remaining=1, cursor=0)
    step = make_step(execution, status=status, fence=1, background=True)
    run_every_step_statement(execution, step)
    assert ExecutionStep.objects.get(pk=step.pk).status == status


@pytest.mark.parametrize("status", list(StepStatus))
def test_every_statement_about_a_step_follows_the_table(driven: None, team: Team, status: StepStatus) -> None:
    for index in range(len(step_statements(make_execution(team), ExecutionStep()))):
        execution = make_execution(team, remaining=1, cursor=0)
        step = make_step(execution, status=status, fence=1, due_at=execution.created_at)
        with transaction.atomic():
            step_statements(execution, step)[index]()
        after = StepStatus(ExecutionStep.objects.get(pk=step.pk).status)
        assert after == status or after in STEP_TRANSITIONS[status], index


def step_statements(execution: Execution, step: ExecutionStep) -> list[Any]:
    return [
        lambda: statements.step.claim(execution.pk, 0, "me"),
        lambda: end(step),
        lambda: end(step, "ERROR"),
        lambda: statements.step.park(step, 1, Change(), {}),
        lambda: statements.leases.take_lost(9, "me"),
        lambda: statements.next_steps.wake(execution.pk, 0),
        lambda: statements.next_steps.wake_awaiting(execution.pk),
        lambda: statements.next_steps.release(execution.pk, [0]),
        lambda: statements.next_steps.skip(execution.pk, ALL_RANGES),
        lambda: statements.cancel.cancel_open_steps(execution.pk, clean_up_too=True),
    ]


def run_every_step_statement(execution: Execution, step: ExecutionStep) -> None:
    for statement in step_statements(execution, step):
        with transaction.atomic():
            statement()


@pytest.mark.parametrize("status", list(ExecutionStatus))
def test_every_statement_about_an_execution_follows_it(
    driven: None, team: Team, status: ExecutionStatus
) -> None:
    every = [
        statements.execution.begin, statements.execution.start_clean_up, statements.execution.complete,
        statements.cancel.request, statements.cancel.end_unstarted, cancel_open_steps, end_phase,
    ]  # fmt: skip
    for statement in every:
        execution = make_execution(team, status=status)
        statement(execution.pk)
        after = ExecutionStatus(now(execution).status)
        assert after == status or after in EXECUTION_TRANSITIONS[status], statement
        assert status not in EXECUTION_TERMINAL or now(execution).sequence == execution.sequence


def test_cancelling_what_is_over(driven: None, team: Team) -> None:
    done = drive(begin(team, [delay("a")]))
    with pytest.raises(AlreadyOver):
        cancel_execution(done)


@pytest.mark.parametrize(
    ("status", "look_at"),
    [("IN_PROGRESS", None), ("WAITING", None), ("SUCCESS", "now"), ("CANCELLED", "now")],
)
def test_a_step_that_nobody_would_look_at_is_refused(
    driven: None, team: Team, status: str, look_at: str | None
) -> None:
    execution = make_execution(team)
    step = make_step(execution, status="PENDING")
    times = {"look_at": execution.created_at if look_at else None}
    with pytest.raises(IntegrityError), transaction.atomic():
        ExecutionStep.objects.filter(pk=step.pk).update(status=status, **times)


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS"])
def test_an_open_execution_that_nobody_would_look_at_is_refused(
    driven: None, team: Team, status: str
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_execution(team, status=status, look_at=None)
