"""What steps of an execution share under a name: each step reads the changes of all, and writes its own."""

from __future__ import annotations

import uuid

from accounts.models import new_id
from executions.models import ExecutionStep, SessionState
from executions.statements.database.dialect import STEP, key, sql
from executions.statements.database.rows import shape_of, to_database
from executions.statements.database.statement import execute, instances
from steprunners.values.sessions import Entries

_SESSION = SessionState._meta.db_table
_CHANGES = shape_of(SessionState, frozenset({"position", "value"}))
_VALUE = SessionState._meta.get_field("value")

_READ = sql(f"""
    SELECT {_CHANGES} FROM {_SESSION}
    WHERE execution_id = %(execution)s AND (key = %(key)s OR key = %(old_key)s) ORDER BY position
""")


def changes_of_steps(execution_id: uuid.UUID, session_key: str, old_key: str) -> list[SessionState]:
    """Return what each step changed, in the order of the steps; a release before 0011 had another key."""
    return instances(
        _CHANGES, _READ, {"execution": key(execution_id), "key": session_key, "old_key": old_key}
    )


# A worker that lost its step writes nothing: another one may have run the step since.
_WRITE = sql(f"""
    INSERT INTO {_SESSION} (id, execution_id, key, position, value)
    SELECT %(id)s, execution_id, %(key)s, position, %(value)s FROM {STEP}
    WHERE id = %(step)s AND fence = %(fence)s
    ON CONFLICT (execution_id, key, position) DO UPDATE SET value = excluded.value
""")


def write_changes(step: ExecutionStep, session_key: str, changes: Entries) -> None:
    """Store all that the claimed step changed so far, in place of what it stored before."""
    execute(_WRITE, {
        "id": key(new_id()), "key": session_key, "value": to_database(_VALUE, changes),
        "step": key(step.pk), "fence": step.fence,
    })  # fmt: skip
