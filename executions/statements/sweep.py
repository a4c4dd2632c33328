"""Statements of the sweepers: which rows are due to be looked at, and when to look at them again."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from executions.models import Execution, ExecutionStep
from executions.statements.database.dialect import EXECUTION, NOW, SKIP_LOCKED, STEP, after, key, sql
from executions.statements.database.rows import EXECUTION_ROW, STEP_ROW
from executions.statements.database.statement import execute, instances, is_any
from executions.states import StepStatus

#: The pause before the next look: 30 s (ENGINE_UNCLAIMED_SECONDS), then 60, 120 and so on, up to 32 times that.
_PAUSE = "%(unclaimed)s * CASE WHEN looks < 5 THEN (1 << looks) ELSE 32 END"
#: The same for steps, but always 30 s where a step waits for a background step: its wake-up may be lost at any time.
_PAUSE_OF_STEP = """
    %(unclaimed)s * CASE WHEN awaiting AND due_at IS NULL THEN 1 WHEN looks < 5 THEN (1 << looks) ELSE 32 END
"""
#: One more look. It stops before its column ends: a broker can be away for days.
_COUNT_LOOK = "looks = CASE WHEN looks < 32 THEN looks + 1 ELSE looks END"

# The look at a running step is the end of its lease: see `leases`.
_STEP_IS_DUE = f"look_at <= {NOW} AND status <> 'IN_PROGRESS'"
_EXECUTION_IS_DUE = f"look_at <= {NOW}"

# An UPDATE without rows would take SQLite's write lock.
_IS_ANY_STEP_DUE = sql(f"SELECT 1 FROM {STEP} WHERE {_STEP_IS_DUE} LIMIT 1")
_IS_ANY_EXECUTION_DUE = sql(f"SELECT 1 FROM {EXECUTION} WHERE {_EXECUTION_IS_DUE} LIMIT 1")

_TAKE_DUE_STEPS = sql(f"""
    UPDATE {STEP}
    SET {_COUNT_LOOK}, look_at = {after(_PAUSE_OF_STEP)}
    WHERE id IN (SELECT id FROM {STEP} WHERE {_STEP_IS_DUE} ORDER BY look_at LIMIT %(most)s {SKIP_LOCKED})
    RETURNING {STEP_ROW}
""")
_TAKE_DUE_EXECUTIONS = sql(f"""
    UPDATE {EXECUTION}
    SET {_COUNT_LOOK}, look_at = {after(_PAUSE)}
    WHERE id IN (SELECT id FROM {EXECUTION} WHERE {_EXECUTION_IS_DUE} ORDER BY look_at LIMIT %(most)s {SKIP_LOCKED})
    RETURNING {EXECUTION_ROW}
""")


def take_due_steps(most: int) -> list[ExecutionStep]:
    """Take steps that are due to be looked at, and set their next look; each goes to one sweeper.

    Takes steps that are PENDING or WAITING, and leaves them so.
    """
    if not is_any(_IS_ANY_STEP_DUE, {}):
        return []
    return instances(STEP_ROW, _TAKE_DUE_STEPS, _sweep(most))


def take_due_executions(most: int) -> list[Execution]:
    """Take executions that are due to be looked at, and set their next look; each goes to one sweeper.

    Takes executions that are PENDING or IN_PROGRESS, and leaves them so.
    """
    if not is_any(_IS_ANY_EXECUTION_DUE, {}):
        return []
    return instances(EXECUTION_ROW, _TAKE_DUE_EXECUTIONS, _sweep(most))


def _sweep(most: int) -> dict[str, float]:
    return {"most": most, "unclaimed": settings.ENGINE_UNCLAIMED_SECONDS}


_LOOK_AT_STEP = sql(f"""
    UPDATE {STEP} SET look_at = {after("%(seconds)s")} WHERE id = %(id)s AND look_at IS NOT NULL
""")
_LOOK_AT_EXECUTION = sql(f"""
    UPDATE {EXECUTION} SET look_at = {after("%(seconds)s")} WHERE id = %(id)s AND look_at IS NOT NULL
""")


def look_at_step(step_id: uuid.UUID, seconds: float) -> None:
    """Let a sweeper look at the step again in `seconds`; a step that is over is left alone."""
    execute(_LOOK_AT_STEP, {"id": key(step_id), "seconds": seconds})


def look_at_execution(execution_id: uuid.UUID, seconds: float) -> None:
    """Let a sweeper look at the execution again in `seconds`; an execution that is over is left alone."""
    execute(_LOOK_AT_EXECUTION, {"id": key(execution_id), "seconds": seconds})


#: By the database's clock, which wrote the times. A worker's own clock may be wrong.
_LEFT = models.ExpressionWrapper(models.Min("look_at") - Now(), output_field=models.DurationField())


def seconds_to_next_look() -> float | None:
    """Return the seconds until the nearest look at a step that does not run, or an execution; None: there is none."""
    waiting = ExecutionStep.objects.exclude(status=StepStatus.IN_PROGRESS)
    nearest = [
        rows.filter(look_at__isnull=False).aggregate(left=_LEFT)["left"]
        for rows in (waiting, Execution.objects.all())
    ]
    return min((each.total_seconds() for each in nearest if each is not None), default=None)
