"""Statements that end executions early: cancel requests and time limits."""

from __future__ import annotations

import uuid

from executions.models import Execution, ExecutionStep
from executions.statements.database.dialect import (
    EXECUTION,
    NO_KEY_UPDATE,
    NOW,
    STEP,
    after,
    key,
    milliseconds_since,
    sql,
)
from executions.statements.database.rows import EXECUTION_ROW, STEP_ROW
from executions.statements.database.statement import execute, instance, instances, is_any
from executions.statements.execution import count_off
from resources.fields import to_text

#: How many executions of a team one statement cancels.
TEAM_BATCH = 200

_REQUEST = sql(f"""
    UPDATE {EXECUTION}
    SET cancel_requested_at = COALESCE(cancel_requested_at, {NOW}), cancel_requests = cancel_requests + 1,
        sequence = sequence + 1, look_at = {after("1")}
    WHERE id = %(execution)s AND status IN ('PENDING', 'IN_PROGRESS')
    RETURNING {EXECUTION_ROW}
""")


def request(execution_id: uuid.UUID) -> Execution | None:
    """Note that a cancel is wanted; None where the execution is over.

    Takes an execution that is PENDING or IN_PROGRESS, and leaves it so. `progress.cancel_open_steps` does the rest.
    """
    return instance(EXECUTION_ROW, _REQUEST, {"execution": key(execution_id)})


_REQUEST_FOR_TEAM = sql(f"""
    UPDATE {EXECUTION}
    SET cancel_requested_at = COALESCE(cancel_requested_at, {NOW}), cancel_requests = 2, sequence = sequence + 1
    WHERE id IN (
        SELECT id FROM {EXECUTION}
        WHERE team_id = %(team)s AND status IN ('PENDING', 'IN_PROGRESS') AND cancel_requests < 2
        ORDER BY id LIMIT %(most)s {NO_KEY_UPDATE}
    )
""")


def request_for_team(team_id: uuid.UUID) -> int:
    """Ask for the end of up to TEAM_BATCH executions of the team, clean-up too; returns how many.

    Takes executions that are PENDING or IN_PROGRESS, and leaves them so.
    """
    return execute(_REQUEST_FOR_TEAM, {"team": key(team_id), "most": TEAM_BATCH})


#: Whether the step waits for a child that is not over.
_WAITS_FOR_CHILD = f"""
    status = 'WAITING' AND EXISTS (
        SELECT 1 FROM {EXECUTION} child
        WHERE child.parent_id = {STEP}.execution_id AND child.parent_position = {STEP}.position
          AND child.status IN ('PENDING', 'IN_PROGRESS')
    )
"""

_CANCEL_OPEN_STEPS = sql(f"""
    UPDATE {STEP}
    SET status = 'CANCELLED', completed_at = {NOW}, look_at = NULL, due_at = NULL, awaiting = FALSE, state = NULL,
        duration_ms = {milliseconds_since("started_at")}
    WHERE execution_id = %(execution)s AND status IN ('PENDING', 'WAITING')
      AND (%(clean_up_too)s OR NOT always_run)
      AND NOT ({_WAITS_FOR_CHILD})
    RETURNING {STEP_ROW}
""")


def cancel_open_steps(
    execution_id: uuid.UUID, *, clean_up_too: bool
) -> tuple[list[ExecutionStep], Execution]:
    """Cancel the steps that have not started or wait.

    Takes steps that are PENDING or WAITING, and leaves them CANCELLED. A step that waits for a child stays until the
    child has ended. Call it in a transaction that holds the execution's lock.
    """
    parameters = {"execution": key(execution_id), "clean_up_too": clean_up_too}
    cancelled = instances(STEP_ROW, _CANCEL_OPEN_STEPS, parameters)
    return sorted(cancelled, key=lambda each: each.position), count_off(execution_id, cancelled)


_END_UNSTARTED = sql(f"""
    UPDATE {EXECUTION}
    SET status = 'CANCELLED', completed_at = {NOW}, look_at = NULL, cursor = NULL, sequence = sequence + 1
    WHERE id = %(execution)s AND status = 'PENDING' AND cancel_requested_at IS NOT NULL
    RETURNING {EXECUTION_ROW}
""")


def end_unstarted(execution_id: uuid.UUID) -> Execution | None:
    """End a cancelled execution that never began, after its steps.

    Takes an execution that is PENDING and to be cancelled, and leaves it CANCELLED.
    """
    return instance(EXECUTION_ROW, _END_UNSTARTED, {"execution": key(execution_id)})


_AGE = milliseconds_since("started_at")
_IS_OVERDUE = f"status = 'IN_PROGRESS' AND time_limit_ms IS NOT NULL AND ({_AGE}) >= time_limit_ms"
# An UPDATE without rows would take SQLite's write lock.
_IS_ANY_OVERDUE = sql(f"SELECT 1 FROM {EXECUTION} WHERE {_IS_OVERDUE} LIMIT 1")

_END_OVERDUE = sql(f"""
    UPDATE {EXECUTION}
    SET time_limit_ms = ({_AGE}) + %(grace_ms)s, failed = TRUE,
        failure = CASE WHEN cancel_requested_at IS NULL THEN %(failure)s ELSE failure END,
        timed_out = timed_out OR cancel_requested_at IS NULL,
        cancel_requested_at = COALESCE(cancel_requested_at, {NOW}),
        cancel_requests = CASE WHEN cancel_requests < 2 THEN cancel_requests + 1 ELSE 2 END,
        sequence = sequence + 1, look_at = {after("1")}
    WHERE {_IS_OVERDUE}
    RETURNING {EXECUTION_ROW}
""")


def end_overdue(grace_seconds: float) -> list[Execution]:
    """Ask for the end of every execution that lasts longer than it may, like a cancel; returns these.

    Takes executions that are IN_PROGRESS, and leaves them so, with a cancel request. The first time clean-up may still
    run, for `grace_seconds`. The second time that ends, too.
    """
    if not is_any(_IS_ANY_OVERDUE, {}):
        return []
    failure = {
        "code": "execution_timeout",
        "message": "the execution lasted longer than its organisation's limit",
    }
    parameters = {"grace_ms": round(grace_seconds * 1000), "failure": to_text(failure)}
    return instances(EXECUTION_ROW, _END_OVERDUE, parameters)
