"""Statements about one execution: begin, lock, count off its steps, go on to clean-up, complete."""

from __future__ import annotations

import uuid

from django.conf import settings

from executions.models import Execution, ExecutionStep
from executions.statements.database.dialect import EXECUTION, NOW, STEP, after, key, milliseconds_since, sql
from executions.statements.database.rows import EXECUTION_ROW
from executions.statements.database.statement import instance

#: A timer may be a little ahead of the database's clock; in seconds.
CLOCK_SLACK_SECONDS = 0.05

_BEGIN = sql(f"""
    UPDATE {EXECUTION}
    SET status = 'IN_PROGRESS', started_at = {NOW}, due_at = NULL, looks = 0, sequence = sequence + 1,
        look_at = {after("%(unclaimed)s")}
    WHERE id = %(execution)s AND status = 'PENDING' AND admitted
      AND (due_at IS NULL OR due_at <= {after("%(slack)s")})
    RETURNING {EXECUTION_ROW}
""")


def begin(execution_id: uuid.UUID) -> Execution | None:
    """Begin an execution whose turn it is; None where it has begun already, is cancelled or not due.

    Takes an execution that is PENDING, admitted and due, and leaves it IN_PROGRESS.
    """
    parameters = {
        "execution": key(execution_id),
        "unclaimed": settings.ENGINE_UNCLAIMED_SECONDS,
        "slack": CLOCK_SLACK_SECONDS,
    }
    return instance(EXECUTION_ROW, _BEGIN, parameters)


def lock(execution_id: uuid.UUID) -> None:
    """Lock the execution's row until the transaction ends, before statements that change several of its steps."""
    list(Execution.objects.select_for_update(no_key=True).filter(pk=execution_id).values_list("pk"))


_COUNT_OFF = sql(f"""
    UPDATE {EXECUTION}
    SET sequence = sequence + %(ended)s,
        remaining = remaining - CASE WHEN phase = 'MAIN' THEN %(main)s ELSE %(clean_up)s END
    WHERE id = %(execution)s
    RETURNING {EXECUTION_ROW}
""")


def count_off(execution_id: uuid.UUID, ended: list[ExecutionStep]) -> Execution:
    """Number the updates of these steps, and take those of the present phase off the open ones.

    Takes an execution in any status and leaves the status as it is. The caller holds the row.
    """
    clean_up = sum(step.always_run for step in ended)
    parameters = {
        "execution": key(execution_id),
        "ended": len(ended),
        "main": len(ended) - clean_up,
        "clean_up": clean_up,
    }
    execution = instance(EXECUTION_ROW, _COUNT_OFF, parameters)
    if execution is None:
        raise Execution.DoesNotExist
    return execution


_OPEN_CLEAN_UP = f"FROM {STEP} WHERE execution_id = {EXECUTION}.id AND always_run AND status = 'PENDING'"

_START_CLEAN_UP = sql(f"""
    UPDATE {EXECUTION}
    SET phase = 'CLEAN_UP', look_at = {after("%(unclaimed)s")},
        cursor = (SELECT min(position) {_OPEN_CLEAN_UP}),
        remaining = (SELECT count(*) {_OPEN_CLEAN_UP})
    WHERE id = %(execution)s AND phase = 'MAIN' AND remaining = 0 AND status = 'IN_PROGRESS'
    RETURNING {EXECUTION_ROW}
""")


def start_clean_up(execution_id: uuid.UUID) -> Execution | None:
    """Go on to clean-up once no other step is open; None where that is not so (any more).

    Takes an execution that is IN_PROGRESS in the phase MAIN, and leaves it in the phase CLEAN_UP.
    """
    parameters = {"execution": key(execution_id), "unclaimed": settings.ENGINE_UNCLAIMED_SECONDS}
    return instance(EXECUTION_ROW, _START_CLEAN_UP, parameters)


_COMPLETE = sql(f"""
    UPDATE {EXECUTION}
    SET status = CASE
            WHEN timed_out THEN 'FAILED'
            WHEN cancel_requested_at IS NOT NULL THEN 'CANCELLED'
            WHEN failed THEN 'FAILED'
            ELSE 'COMPLETED'
        END,
        completed_at = {NOW}, duration_ms = {milliseconds_since("started_at")}, look_at = NULL,
        sequence = sequence + 1, cursor = NULL, error = failure
    WHERE id = %(execution)s AND remaining = 0 AND status = 'IN_PROGRESS'
      AND (phase = 'CLEAN_UP' OR clean_up_position IS NULL)
    RETURNING {EXECUTION_ROW}
""")


def complete(execution_id: uuid.UUID) -> Execution | None:
    """End the execution once no step is open; exactly one caller gets it, the others None.

    Takes an execution that is IN_PROGRESS without open steps, and leaves it COMPLETED, FAILED or CANCELLED.
    """
    return instance(EXECUTION_ROW, _COMPLETE, {"execution": key(execution_id)})
