"""Statements about many watched steps at once: one for all steps of a process, however many there are."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from executions.statements.database.dialect import NOW, STEP, after, among, many, sql, uuid_of
from executions.statements.database.statement import fetch

#: How many rows one statement locks.
BATCH = 1_000

#: The execution and the position of a step.
Place = tuple[uuid.UUID, int]

_RENEW = sql(f"""
    UPDATE {STEP} SET look_at = {after("%(lease)s")}
    WHERE id {among("steps")} AND status = 'WAITING' AND due_at > {NOW}
    RETURNING id
""")


def renew(step_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Keep the sweepers off the steps for one more lease; returns those that still wait.

    Takes steps that are WAITING and not due, and leaves them so. A step that its watcher does not renew has lost the
    watcher, and a sweeper looks at it (`executions.worker.sweeper`).
    """
    return {
        uuid_of(row[0]) for row in _in_batches(_RENEW, step_ids, {"lease": settings.ENGINE_LEASE_SECONDS})
    }


_WAKE_ALL = sql(f"""
    UPDATE {STEP} SET due_at = {NOW}, look_at = {after("1")}
    WHERE id {among("steps")} AND status = 'WAITING'
    RETURNING execution_id, position
""")


def wake_all(step_ids: Sequence[uuid.UUID]) -> list[Place]:
    """Make the steps due now that wait; returns their executions and positions.

    Takes steps that are WAITING, and leaves them so, due now.
    """
    return [(uuid_of(row[0]), int(row[1])) for row in _in_batches(_WAKE_ALL, step_ids, {})]


_UNCLAIMED = sql(
    f"SELECT id FROM {STEP} WHERE id {among('steps')} AND status = 'WAITING' AND due_at <= {NOW}"
)


def still_unclaimed(step_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the woken steps that no worker has claimed yet: they are WAITING and due."""
    return {uuid_of(row[0]) for row in _in_batches(_UNCLAIMED, step_ids, {})}


def _in_batches(
    text: str, step_ids: Sequence[uuid.UUID], parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(step_ids), BATCH):
        rows += fetch(text, {**parameters, "steps": many(step_ids[start : start + BATCH])})
    return rows
