"""Rows as a sweeper meets them: due now, or claimed by a worker that is not there any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Team
from executions import statements
from executions.models import Execution, ExecutionStep
from executions.worker.lost_workers import LostStepFinder
from tests.executions.driving import begin, delay

PAST = timedelta(seconds=5)


def due(execution: Execution, **fields: Any) -> None:
    """Have the execution's open steps looked at now."""
    Execution.objects.filter(pk=execution.pk).update(look_at=timezone.now() - PAST, **fields)


def due_step(step: ExecutionStep, **fields: Any) -> None:
    ExecutionStep.objects.filter(pk=step.pk).update(look_at=timezone.now() - PAST, **fields)


def running(team: Team, **step: Any) -> tuple[Execution, ExecutionStep]:
    """Return an execution whose first step is claimed by a worker that is not there any more."""
    execution = begin(team, [delay("a", **step), delay("x", alwaysRun=True)])
    return execution, lost(execution)


def recover_lost_steps(finder: LostStepFinder | None = None) -> None:
    """Take back what lost its worker, as the threads of a worker would."""
    finder = finder or LostStepFinder()
    finder.find()
    while not finder.is_idle:
        finder.recover_next()


def lost(execution: Execution) -> ExecutionStep:
    """Have the first step claimed by a worker that is not there any more, and its lease be over."""
    step = claimed(execution, "lost")
    due_step(step)
    return step


def claimed(execution: Execution, owner: str) -> ExecutionStep:
    """Begin the execution, and claim its first step."""
    statements.execution.begin(execution.pk)
    moved = statements.step.claim(execution.pk, 0, owner)
    assert moved is not None
    return moved[0]
