"""Executions that have begun, and steps that are claimed: for the tests of the statements."""

from __future__ import annotations

from typing import Any

from accounts.models import Team
from executions import statements
from executions.models import Execution, ExecutionStep
from executions.statements.step import STAY, Change, CursorMove
from executions.statements.transition import StepAndExecution
from tests.executions.driving import begin, delay

ALL_RANGES = [(0, 100)]


def begun(team: Team, *steps: dict[str, Any]) -> Execution:
    """Return an execution that has begun, its first background steps released."""
    execution = begin(team, steps or [delay("a"), delay("b")])
    started = statements.execution.begin(execution.pk)
    assert started is not None
    statements.next_steps.release(execution.pk, started.release)
    return started


def claimed(execution: Execution, position: int = 0) -> ExecutionStep:
    moved = statements.step.claim(execution.pk, position, "me")
    assert moved is not None
    return moved[0]


def end(step: ExecutionStep, status: str = "SUCCESS", cursor: CursorMove = STAY) -> StepAndExecution | None:
    return statements.step.end(step, status, Change({"attempts": 1}), cursor=cursor, attempt=None)


def now(execution: Execution) -> Execution:
    return Execution.objects.get(pk=execution.pk)
