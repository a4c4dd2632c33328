"""Changes as the engine makes them: row and number in one transaction, the message afterwards."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from executions.live import events
from executions.live.messages import Update, execution_update, step_update
from executions.models import Execution, ExecutionStep
from executions.states import EXECUTION_TERMINAL, ExecutionStatus, StepStatus
from tests.executions.rows import START

MOVING = (StepStatus.IN_PROGRESS, StepStatus.WAITING)


def change_step(step: ExecutionStep, status: StepStatus, **fields: Any) -> Update:
    """Change a step; return the message, not yet published."""
    step.status = status
    step.look_at = START if status in MOVING else None
    for name, value in fields.items():
        setattr(step, name, value)
    with transaction.atomic():
        step.save()
        execution = _numbered(step.execution_id)
    return step_update(execution, ExecutionStep.objects.get(pk=step.pk))


def change_execution(execution_id: Any, status: ExecutionStatus, **fields: Any) -> Update:
    """Change an execution; return the message, not yet published."""
    look_at = None if status in EXECUTION_TERMINAL else START
    with transaction.atomic():
        execution = _numbered(execution_id)
        Execution.objects.filter(pk=execution_id).update(status=status, look_at=look_at, **fields)
        execution.refresh_from_db()
    return execution_update(execution)


def publish(*updates: Update) -> None:
    """Publish and wait until it is sent."""
    events.publish(updates)
    assert events.flush(10)


def _numbered(execution_id: Any) -> Execution:
    Execution.objects.filter(pk=execution_id).update(sequence=F("sequence") + 1)
    return Execution.objects.get(pk=execution_id)
