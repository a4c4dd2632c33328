"""Rows of executions as the engine leaves them, written directly: for tests of what only reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Team
from executions.models import Execution, ExecutionLabel, ExecutionStep, StepAttempt
from executions.selectors.labels import rows_of
from executions.states import EXECUTION_TERMINAL, STEP_OPEN, ExecutionStatus, StepStatus

START = datetime(2026, 11, 22, 12, 0, 0, 123_999, tzinfo=UTC)


def make_execution(team: Team, **fields: Any) -> Execution:
    """Make an execution; IN_PROGRESS unless said otherwise, with the times that its status asks for."""
    status = fields.setdefault("status", ExecutionStatus.IN_PROGRESS)
    fields.setdefault("flow_name", "Order is fulfilled")
    fields.setdefault("created_at", START)
    if status != ExecutionStatus.PENDING:
        fields.setdefault("started_at", START + timedelta(seconds=1))
    if status in EXECUTION_TERMINAL:
        fields.setdefault("completed_at", START + timedelta(seconds=3))
        fields.setdefault("duration_ms", 2_000)
    else:
        fields.setdefault("look_at", START + timedelta(hours=1))
    made = Execution.objects.create(team=team, **fields)
    ExecutionLabel.objects.bulk_create(rows_of(made))
    return made


def make_steps(execution: Execution, count: int, **fields: Any) -> list[ExecutionStep]:
    """Make `count` steps `step_0`, `step_1` …; SUCCESS unless said otherwise."""
    return ExecutionStep.objects.bulk_create(_step(execution, position, fields) for position in range(count))


def make_step(execution: Execution, position: int = 0, **fields: Any) -> ExecutionStep:
    """Make one step."""
    step = _step(execution, position, fields)
    step.save()
    return step


def make_attempt(step: ExecutionStep, number: int = 1, **fields: Any) -> StepAttempt:
    """Make one attempt."""
    values = {
        "status": StepStatus.SUCCESS,
        "started_at": START,
        "completed_at": START + timedelta(milliseconds=40),
        "duration_ms": 40,
        **fields,
    }
    return StepAttempt.objects.create(step=step, number=number, **values)


def _step(execution: Execution, position: int, fields: dict[str, Any]) -> ExecutionStep:
    values = {
        "name": f"step_{position}",
        "flow_step_id": f"id_{position}",
        "step_type": "http",
        "definition": {"name": f"step_{position}", "stepType": "http", "meta": {"url": "http://127.0.0.1"}},
        "status": StepStatus.SUCCESS,
        "attempts": 1,
        "end_position": position + 1,
        **fields,
    }
    status = values["status"]
    if status in STEP_OPEN - {StepStatus.PENDING}:
        values.setdefault("look_at", START + timedelta(hours=1))
    if status != StepStatus.PENDING:
        values.setdefault("started_at", START + timedelta(seconds=1))
    return ExecutionStep(execution=execution, position=position, **values)
