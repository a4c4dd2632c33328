"""Statements about steps that nobody runs now: wake them, release them, or skip them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings

from executions.models import Execution, ExecutionStep
from executions.statements.database.dialect import EXECUTION, NOW, STEP, after, among, key, many, sql
from executions.statements.database.rows import STEP_ROW
from executions.statements.database.statement import execute, instances
from executions.statements.execution import count_off, lock


@cache
def _wake(*, early: bool, awaiting: bool) -> str:
    return sql(f"""
        UPDATE {STEP}
        SET due_at = {NOW}, look_at = {after("1")}, looks = 0
        WHERE execution_id = %(execution)s AND position = %(position)s AND status = 'WAITING'
        {f"AND (due_at IS NULL OR due_at > {NOW})" if early else ""}
        {"AND awaiting" if awaiting else ""}
    """)


def wake(execution_id: uuid.UUID, position: int, *, early: bool = False, awaiting: bool = False) -> bool:
    """Make a waiting step due now; False where it does not wait any more, or (`early`) is due already.

    Takes a step that is WAITING and leaves it so, due now. With `awaiting` only one that waits for a background step.
    """
    text = _wake(early=early, awaiting=awaiting)
    return execute(text, {"execution": key(execution_id), "position": position}) == 1


_WAKE_AWAITING = sql(f"""
    UPDATE {STEP}
    SET due_at = {NOW}, look_at = {after("1")}, looks = 0
    WHERE execution_id = %(execution)s AND status = 'WAITING' AND awaiting
    RETURNING {STEP_ROW}
""")


def wake_awaiting(execution_id: uuid.UUID) -> list[int]:
    """Make every step due that waits for a background step; returns their positions.

    Takes steps that are WAITING and leaves them so, due now.
    """
    woken = instances(STEP_ROW, _WAKE_AWAITING, {"execution": key(execution_id)})
    return [step.position for step in woken]


_RELEASE = sql(f"""
    UPDATE {STEP}
    SET look_at = {after("%(unclaimed)s")}
    WHERE execution_id = %(execution)s AND status = 'PENDING' AND position {among("positions")}
    RETURNING {STEP_ROW}
""")


def release(execution_id: uuid.UUID, positions: Sequence[int]) -> list[int]:
    """Allow these background steps to start; returns the positions of those that were still pending.

    Takes steps that are PENDING and leaves them so, with a time at which a sweeper looks at them.
    """
    if not positions:
        return []
    parameters = {
        "execution": key(execution_id),
        "positions": many(positions),
        "unclaimed": settings.ENGINE_UNCLAIMED_SECONDS,
    }
    return [step.position for step in instances(STEP_ROW, _RELEASE, parameters)]


#: A cancel may have been requested just before the step ended after which these steps would have run. The request
#: commits first and cancels the open steps then; a worker that comes in between ends them as the cancel would.
_SKIPPED_OR_CANCELLED = f"""
    CASE WHEN (SELECT cancel_requests FROM {EXECUTION} WHERE id = %(execution)s)
        >= CASE WHEN always_run THEN 2 ELSE 1 END
    THEN 'CANCELLED' ELSE 'SKIPPED' END
"""


@cache
def _skip(ranges: int, *, one_phase: bool) -> str:
    inside = " OR ".join(f"position BETWEEN %(from_{index})s AND %(to_{index})s" for index in range(ranges))
    return sql(f"""
        UPDATE {STEP}
        SET status = {_SKIPPED_OR_CANCELLED if one_phase else "'SKIPPED'"}, completed_at = {NOW}
        WHERE execution_id = %(execution)s AND status = 'PENDING' AND look_at IS NULL AND ({inside})
        {"AND always_run = %(clean_up)s" if one_phase else ""}
        RETURNING {STEP_ROW}
    """)


def skip(
    execution_id: uuid.UUID, ranges: Sequence[tuple[int, int]], *, clean_up: bool | None = None
) -> tuple[list[ExecutionStep], Execution] | None:
    """Skip the steps in the ranges (from, to; both inclusive) that have not started; None where there are none.

    Takes steps that are PENDING and not released, and leaves them SKIPPED. Their execution has as many open steps
    less. `clean_up` limits it to the steps of one phase, and leaves those CANCELLED that a cancel request is for; None
    skips those of both phases (a branch that is not taken).
    Call it in a transaction.
    """
    if not ranges:
        return None
    lock(execution_id)
    parameters: dict[str, Any] = {"execution": key(execution_id), "clean_up": clean_up}
    for index, (first, last) in enumerate(ranges):
        parameters |= {f"from_{index}": first, f"to_{index}": last}
    text = _skip(len(ranges), one_phase=clean_up is not None)
    skipped = instances(STEP_ROW, text, parameters)
    if not skipped:
        return None
    return sorted(skipped, key=lambda each: each.position), count_off(execution_id, skipped)
