"""Statements about the leases of running steps. A lease is over when the step's `look_at` has passed."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.conf import settings

from executions.models import Execution, ExecutionStep
from executions.statements.database.dialect import (
    EPOCH_SECONDS,
    EXECUTION,
    NOW,
    SKIP_LOCKED,
    STEP,
    after,
    among,
    many,
    sql,
    uuid_of,
)
from executions.statements.database.rows import STEP_ROW
from executions.statements.database.statement import execute, fetch, instances

_RENEW = sql(f"""
    UPDATE {STEP}
    SET look_at = {after("%(lease)s")}
    WHERE status = 'IN_PROGRESS' AND id {among("steps")}
    RETURNING id, fence
""")


def renew(step_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Renew the leases of these steps; returns the fencing tokens of those that still run.

    Takes steps that are IN_PROGRESS, and leaves them so. A token that is not the holder's own: the lease was lost.
    """
    parameters = {"lease": settings.ENGINE_LEASE_SECONDS, "steps": many(step_ids)}
    return {uuid_of(pk): fence for pk, fence in fetch(_RENEW, parameters)}


def cancel_requests(execution_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how often a cancel of each execution was asked for; a deleted one is missing."""
    rows = Execution.objects.filter(pk__in=execution_ids)
    return dict(rows.values_list("pk", "cancel_requests"))


_CLOCK = sql(f"""
    SELECT {EPOCH_SECONDS}, EXISTS (SELECT 1 FROM {STEP} WHERE status = 'IN_PROGRESS' AND look_at <= {NOW})
""")


def read_clock() -> tuple[float, bool]:
    """Return the database's clock (seconds since the epoch), and whether a lease is over."""
    ((seconds, is_any_over),) = fetch(_CLOCK, {})
    return float(seconds), bool(is_any_over)


_TAKE_LOST = sql(f"""
    UPDATE {STEP}
    SET fence = fence + 1, losses = losses + 1, owner = %(owner)s, look_at = {after("%(lease)s")}
    WHERE id IN (
        SELECT id FROM {STEP}
        WHERE status = 'IN_PROGRESS' AND look_at <= {NOW}
        ORDER BY look_at LIMIT %(most)s {SKIP_LOCKED}
    )
    RETURNING {STEP_ROW}
""")


def take_lost(most: int, owner: str) -> list[ExecutionStep]:
    """Take running steps whose lease is over from their workers, the longest lost first; each goes to one taker.

    Takes steps that are IN_PROGRESS, and leaves them so, with a new fencing token and a lease for the taker. A row that
    somebody holds locked is left for the next look.
    """
    parameters = {"most": most, "owner": owner, "lease": settings.ENGINE_LEASE_SECONDS}
    return instances(STEP_ROW, _TAKE_LOST, parameters)


_SHORTEN_LEASES = sql(f"""
    UPDATE {STEP} SET look_at = {after("%(lease)s")}
    WHERE look_at > {after("%(lease)s")} AND status = 'IN_PROGRESS'
""")
_SHORTEN_LOOKS_AT_STEPS = sql(f"""
    UPDATE {STEP} SET look_at = {after("%(unclaimed)s")}
    WHERE look_at > {after("%(unclaimed)s")} AND status = 'PENDING'
""")
_SHORTEN_LOOKS_AT_EXECUTIONS = sql(f"""
    UPDATE {EXECUTION} SET look_at = {after("%(unclaimed)s")}
    WHERE look_at > {after("%(unclaimed)s")}
""")


def shorten() -> None:
    """Let no lease end, and no sweeper look, later than if it were written now: the database's clock was set back.

    Takes steps that are IN_PROGRESS or PENDING and open executions, and leaves their status as it is. Steps that are
    WAITING are left alone: how long they are to wait is not known here (see `Timers.use_own_clock`).
    """
    execute(_SHORTEN_LEASES, {"lease": settings.ENGINE_LEASE_SECONDS})
    for text in (_SHORTEN_LOOKS_AT_STEPS, _SHORTEN_LOOKS_AT_EXECUTIONS):
        execute(text, {"unclaimed": settings.ENGINE_UNCLAIMED_SECONDS})
