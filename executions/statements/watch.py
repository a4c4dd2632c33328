"""The statements about many watched steps at once: one for all of a process, however many they are."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from executions.statements.round_trip import STEP, after_sql, in_list, now_sql
from executions.statements.rows import key

#: SQLite takes at most so many parameters in a statement, and PostgreSQL is none the slower for it.
_AT_ONCE = 1_000

Place = tuple[uuid.UUID, int]


def renew(step_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Keep the sweepers off the steps for one more lease; returns those that still wait.

    A step that its watcher does not renew has lost it, and is visited (`executions.worker.sweeper`).
    """
    sql = (
        f"UPDATE {STEP} SET look_at = {after_sql()} WHERE id {{among}} AND status = 'WAITING'"
        f" AND due_at > {now_sql()} RETURNING id"
    )
    return {_uuid(row[0]) for row in _in_portions(sql, step_ids, [settings.ENGINE_LEASE_SECONDS])}


def wake_all(step_ids: Sequence[uuid.UUID]) -> list[Place]:
    """Make the steps due now that wait; returns their executions and positions."""
    sql = (
        f"UPDATE {STEP} SET due_at = {now_sql()}, look_at = {after_sql()} WHERE id {{among}}"
        " AND status = 'WAITING' RETURNING execution_id, position"
    )
    return [(_uuid(row[0]), int(row[1])) for row in _in_portions(sql, step_ids, [1])]


def still_to_be_claimed(step_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the woken steps that no worker has taken yet."""
    sql = f"SELECT id FROM {STEP} WHERE id {{among}} AND status = 'WAITING' AND due_at <= {now_sql()}"
    return {_uuid(row[0]) for row in _in_portions(sql, step_ids, [])}


def _in_portions(sql: str, step_ids: Sequence[uuid.UUID], before: list[Any]) -> list[Any]:
    rows: list[Any] = []
    with connection.cursor() as cursor:
        for start in range(0, len(step_ids), _AT_ONCE):
            ids = [key(each) for each in step_ids[start : start + _AT_ONCE]]
            if connection.vendor == "postgresql":
                cursor.execute(sql.format(among="= ANY(%s)"), [*before, ids])
            else:
                cursor.execute(sql.format(among=f"IN {in_list(ids)}"), [*before, *ids])
            rows += cursor.fetchall()
    return rows


def _uuid(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
