"""Metrics, traces and log context of executions and steps. Called after the commit; never raises."""

from __future__ import annotations

from datetime import datetime

from executions.models import Execution, ExecutionStep
from executions.states import ExecutionStatus, StepStatus
from telemetry import log_context, metrics, tracing
from telemetry.tracing import Done, Place

_FAILURES = (StepStatus.FAILED, StepStatus.ERROR)


def execution_started(execution: Execution) -> None:
    """Count an execution that was created."""
    metrics.execution_started(execution.source)
    if execution.parent_id is None:
        log_context.add(executionId=execution.pk)
        tracing.asked_for(Place(execution.pk))


def execution_ended(execution: Execution) -> None:
    """Count an execution that has ended, and add its span."""
    metrics.execution_ended(execution.status, execution.source, execution.duration_ms)
    began = execution.started_at
    if began is not None:
        tracing.ended(Place(execution.pk), lambda: _of_execution(execution, began))


def step_ended(step: ExecutionStep) -> None:
    """Count a step that has ended, and add its span."""
    metrics.step_ended(step.step_type, step.status, step.duration_ms)
    began = step.started_at
    if began is not None:
        tracing.ended(Place(step.execution_id, step.position), lambda: _of_step(step, began))


def _of_execution(execution: Execution, began: datetime) -> Done:
    parent, position = execution.parent_id, execution.parent_position
    return Done(
        name="run",
        began=began,
        ended=execution.completed_at or began,
        attributes={"asynctester.status": str(execution.status), "asynctester.source": str(execution.source)},
        failure="execution_failed" if execution.status == ExecutionStatus.FAILED else None,
        cause=Place(parent, position) if parent and position is not None else None,
    )


def _of_step(step: ExecutionStep, began: datetime) -> Done:
    failure = (step.error or {}).get("code", "assertion_failed") if step.status in _FAILURES else None
    return Done(
        name=f"step {step.step_type}",
        began=began,
        ended=step.completed_at or began,
        attributes={
            "asynctester.step.name": step.name,
            "asynctester.step.type": step.step_type,
            "asynctester.status": str(step.status),
            "asynctester.attempts": step.attempts,
        },
        failure=failure,
    )
