"""A transition changes one step and then its execution, in one round trip where the database can.

On PostgreSQL it is one statement with data-modifying CTEs:

    WITH run AS (the execution's row, locked),
         s AS (UPDATE the step … FROM run … RETURNING …),
         a AS (INSERT the attempt … SELECT … FROM s),
         e AS (UPDATE the execution … FROM s … RETURNING …)
    SELECT … FROM s, e

On SQLite it is two or three statements in one transaction.

The execution's row is always locked first, also by statements that change many steps in one transaction. Whoever holds
it may lock any of its steps, so transitions cannot deadlock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from django.db import OperationalError, connection, transaction

from accounts.transactions import is_conflict
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.statements.database.cursors import cursor_of
from executions.statements.database.dialect import ATTEMPT, EXECUTION, STEP, key, listed, on_postgresql, sql
from executions.statements.database.locks import in_process_lock
from executions.statements.database.rows import Shape, shape_of, writers_of

#: After a conflict with another writer the transition is tried again after these pauses, in seconds.
CONFLICT_PAUSES = (0.05, 0.2)

StepAndExecution = tuple[ExecutionStep, Execution]


@dataclass(frozen=True, eq=False)
class Transition:
    """The SQL of a transition. Make one object a kind: the joined statement is remembered with it.

    `step` is an UPDATE whose WHERE begins `FROM run WHERE execution_id = run_id`, so it can use the columns of `run`.
    `execution` is `UPDATE {EXECUTION} AS e SET …` without a WHERE: it applies to the step's execution, if the step was
    changed.
    """

    step: str
    execution: str


#: The execution's row as the step's conditions see it. Without it PostgreSQL found the execution by its status, among
#: all that are in progress. On PostgreSQL the row is locked as well.
_RUN = f"""
    SELECT id AS run_id, cursor AS run_cursor,
        (status = 'IN_PROGRESS' AND cancel_requested_at IS NULL) AS run_goes_on,
        (status = 'IN_PROGRESS' AND cancel_requests < 2) AS run_cleans_up
    FROM {EXECUTION} WHERE id = %(execution)s
"""


@dataclass(frozen=True)
class Write:
    """What one use of a transition writes, and which rows it reads afterwards.

    `parameters` are those of the transition's SQL. `attempt` is a row to insert as well. `claimed` are both rows as
    they were claimed: then only what others may have changed is read again, and `columns` are the values that the
    transition gives the step.
    """

    execution_id: uuid.UUID
    parameters: dict[str, Any]
    attempt: StepAttempt | None = None
    claimed: StepAndExecution | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, step: Sequence[Any], execution: Sequence[Any]) -> StepAndExecution:
        """Return both rows as they are now, from what was read."""
        of_step, of_execution = _shapes(lean=self.claimed is not None)
        if self.claimed is None:
            return of_step.instance(step), of_execution.instance(execution)
        step_before, execution_before = self.claimed
        return (
            of_step.renewed(step_before, step, self.columns),
            of_execution.renewed(execution_before, execution, {}),
        )


#: What a transition or another worker may have changed in a claimed row, besides the `columns`.
_VOLATILE_OF_STEP = frozenset({
    "status", "due_at", "look_at", "looks", "awaiting", "state", "completed_at", "duration_ms",
})  # fmt: skip
_VOLATILE_OF_EXECUTION = frozenset({
    "status", "phase", "failed", "failure", "sequence", "remaining", "cursor", "cancel_requested_at",
    "cancel_requests", "look_at", "looks",
})  # fmt: skip

#: What no step needs of its execution. It belongs to the beginning, the end or the display, and is loaded on first use.
_NOT_TO_RUN = frozenset({
    "draft", "idempotency_key", "request_fingerprint", "rerun_of", "release", "clean_up_position", "initial_delay_ms",
    "created_at", "completed_at", "duration_ms", "due_at", "admitted", "time_limit_ms", "timed_out",
    "results_removed_at", "error",
})  # fmt: skip


@cache
def _shapes(*, lean: bool) -> tuple[Shape[ExecutionStep], Shape[Execution]]:
    if lean:
        return shape_of(ExecutionStep, _VOLATILE_OF_STEP), shape_of(Execution, _VOLATILE_OF_EXECUTION)
    return shape_of(ExecutionStep), shape_of(Execution, without=_NOT_TO_RUN)


def carry_out(transition_: Transition, write: Write) -> StepAndExecution | None:
    """Change both rows; None where the step's conditions did not hold and nothing was changed."""
    way = _in_one_statement if on_postgresql() else _in_one_transaction
    # A transaction may hold the row that the threads in line wait for. And its statements cannot be tried again.
    if connection.in_atomic_block:
        return way(transition_, write)
    with in_process_lock(write.execution_id):
        for pause in CONFLICT_PAUSES:
            try:
                return way(transition_, write)
            except OperationalError as error:
                if not is_conflict(error):
                    raise
                time.sleep(pause)
        return way(transition_, write)


def _in_one_statement(transition_: Transition, write: Write) -> StepAndExecution | None:
    """PostgreSQL's way."""
    shared = None if write.attempt is None else _shared(write.attempt, write.columns)
    lean = write.claimed is not None
    text = _joined(transition_, shared, lean=lean)
    cursor = cursor_of(text)
    cursor.execute(text, _parameters(write, shared))
    row = cursor.fetchone()
    width = len(_shapes(lean=lean)[0].columns)
    return None if row is None else write.rows(row[:width], row[width:])


@lru_cache(maxsize=200)
def _joined(transition_: Transition, shared: tuple[str, ...] | None, *, lean: bool) -> str:
    """Return the one statement for both rows."""
    of_step, of_execution = _shapes(lean=lean)
    needed = dict.fromkeys([*of_step.columns, "id", "execution_id", *(_SHARED if shared is not None else ())])
    attempt = "" if shared is None else f"a AS ({_insert_attempt(shared)} FROM s),"
    return sql(f"""
        WITH run AS ({_RUN} FOR NO KEY UPDATE),
        s AS ({transition_.step} RETURNING {listed(needed)}),
        {attempt}
        e AS ({transition_.execution} FROM s WHERE e.id = s.execution_id RETURNING {of_execution.listed("e.")})
        SELECT {of_step.listed("s.")}, {of_execution.listed("e.")} FROM s, e
    """)


def _in_one_transaction(transition_: Transition, write: Write) -> StepAndExecution | None:
    """SQLite's way: it has no data-modifying CTEs."""
    of_step, of_execution = _shapes(lean=write.claimed is not None)
    shared = None if write.attempt is None else _shared(write.attempt, write.columns)
    parameters = _parameters(write, shared)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"WITH run AS ({_RUN}) {transition_.step} RETURNING {of_step}", parameters)
        step = cursor.fetchone()
        if step is None:
            return None
        if shared is not None:
            cursor.execute(f"{_insert_attempt(shared)} FROM {STEP} s WHERE s.id = %(step)s", parameters)
        cursor.execute(
            f"{transition_.execution} WHERE e.id = %(execution)s RETURNING {of_execution}", parameters
        )
        execution = cursor.fetchone()
    return None if execution is None else write.rows(step, execution)


def _parameters(write: Write, shared: tuple[str, ...] | None) -> dict[str, Any]:
    parameters = {"execution": key(write.execution_id), **write.parameters}
    if write.attempt is not None and shared is not None:
        for name, written in writers_of(StepAttempt).items():
            if name not in shared and name != "step":
                parameters[f"attempt_{name}"] = written(getattr(write.attempt, name))
    return parameters


# --- the attempt ----------------------------------------------------------------------------------

#: What an attempt and its step have in common. The database copies it, so that it is written and sent once.
_SHARED = ("request", "response", "assertions", "error")


def _shared(attempt: StepAttempt, columns: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in _SHARED if name in columns and columns[name] is getattr(attempt, name))


@cache
def _insert_attempt(shared: tuple[str, ...]) -> str:
    """Return the insert of the attempt as far as the list of its SELECT; the step's row is called `s`."""
    fields = StepAttempt._meta.concrete_fields
    from_step = {"step": "s.id", **{name: f"s.{name}" for name in shared}}
    values = (from_step.get(each.name, f"%(attempt_{each.name})s") for each in fields)
    return f"INSERT INTO {ATTEMPT} ({listed(str(each.column) for each in fields)}) SELECT {', '.join(values)}"
