"""A step's and its execution's rows changed together, in one round trip where the database can.

Every move of the engine changes one step row and then its execution row. On PostgreSQL that is one statement (data-
modifying CTEs), on SQLite two in one transaction. The execution's row is always locked first, also by the moves that
change many steps in one transaction: whoever holds it may lock any of its steps, so moves cannot deadlock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from accounts.transactions import is_conflict
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.statements.cursors import cursor_of, prepared_cursor
from executions.statements.one_at_a_time import in_single_file
from executions.statements.rows import ModelT, Shape, key, listed, on_postgresql, shape_of, writers_of

STEP = ExecutionStep._meta.db_table
EXECUTION = Execution._meta.db_table
ATTEMPT = StepAttempt._meta.db_table

#: A move that another writer was in the way of is made again after these pauses, in seconds.
CONFLICT_PAUSES = (0.05, 0.2)


@cache
def now_sql() -> str:
    """Return SQL for the database's clock, which alone decides leases and due times."""
    return "clock_timestamp()" if on_postgresql() else "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"


@cache
def after_sql() -> str:
    """Return SQL for the database's clock plus a parameter in seconds."""
    if on_postgresql():
        return "(clock_timestamp() + make_interval(secs => %s))"
    return "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', (%s) || ' seconds')"


def epoch_sql() -> str:
    """Return SQL for the database's clock in seconds since the epoch."""
    if on_postgresql():
        return "extract(epoch from clock_timestamp())"
    return "(julianday('now') - 2440587.5) * 86400.0"


def milliseconds_sql(since: str) -> str:
    """Return SQL for the whole milliseconds from the column `since` to now."""
    if on_postgresql():
        age = f"round(extract(epoch from (clock_timestamp() - {since})) * 1000)"
        return f"CASE WHEN {since} IS NULL THEN NULL ELSE greatest(0, {age})::bigint END"
    return f"max(0, cast(round((julianday('now') - julianday({since})) * 86400000) as integer))"


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters."""

    sql: str
    params: Sequence[Any] = ()


Moved = tuple[ExecutionStep, Execution]


@dataclass(frozen=True)
class Move:
    """A change of one step, and of its execution where the step's conditions hold.

    `step` is an UPDATE that ends in its WHERE clause, which begins with IN_RUN; `execution` the SET clause of an update
    of the step's execution; `attempt` a row to insert with it. `known` are both rows as they were claimed: then only
    what others may have changed is read again, and `columns` are the values that the move itself gives the step.
    """

    execution_id: uuid.UUID
    step: Statement
    execution: Statement
    attempt: StepAttempt | None = None
    known: Moved | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def shapes(self) -> tuple[Shape[ExecutionStep], Shape[Execution]]:
        """Return what to read of both rows."""
        return _shapes(lean=self.known is not None)

    def moved(self, step: Sequence[Any], execution: Sequence[Any]) -> Moved:
        """Return both rows as they are afterwards, from what was read."""
        of_step, of_execution = self.shapes()
        if self.known is None:
            return of_step.instance(step), of_execution.instance(execution)
        before_step, before_execution = self.known
        return (
            of_step.renewed(before_step, step, self.columns),
            of_execution.renewed(before_execution, execution, {}),
        )


#: What a move or another worker may have changed in a claimed row, besides the columns that the move itself sets.
_VOLATILE_STEP = frozenset({
    "status", "due_at", "look_at", "looks", "awaiting", "state", "completed_at", "duration_ms",
})  # fmt: skip
_VOLATILE_EXECUTION = frozenset({
    "status", "phase", "failed", "failure", "sequence", "remaining", "cursor", "cancel_requested_at",
    "cancel_requests", "look_at", "looks",
})  # fmt: skip

#: What no step asks its execution for (loaded where one does): it is of its beginning, its end, or of those who look.
_NOT_TO_RUN = frozenset({
    "draft", "idempotency_key", "rerun_of", "release", "clean_up_position", "initial_delay_ms", "created_at",
    "completed_at", "duration_ms", "due_at", "admitted", "time_limit_ms", "timed_out", "results_removed_at", "error",
})  # fmt: skip


@cache
def _shapes(*, lean: bool) -> tuple[Shape[ExecutionStep], Shape[Execution]]:
    if lean:
        return shape_of(ExecutionStep, _VOLATILE_STEP), shape_of(Execution, _VOLATILE_EXECUTION)
    return shape_of(ExecutionStep), shape_of(Execution, without=_NOT_TO_RUN)


def carry_out(move: Move) -> Moved | None:
    """Carry out the move; None where the step's conditions did not hold and nothing was changed."""
    way = _in_one_statement if on_postgresql() else _in_one_transaction
    # A transaction may hold the row that those in line wait for; and its statements cannot be made again.
    if connection.in_atomic_block:
        return way(move)
    with in_single_file(move.execution_id):
        for pause in CONFLICT_PAUSES:
            try:
                return way(move)
            except OperationalError as error:
                if not is_conflict(error):
                    raise
                time.sleep(pause)
        return way(move)


@contextmanager
def impatient(milliseconds: int) -> Iterator[None]:
    """Let no statement of the block wait longer than this for a lock (PostgreSQL; SQLite has its own limit).

    A frozen worker may hold one in the middle of a transaction. Raises OperationalError, see `is_conflict`.
    """
    if not on_postgresql():
        yield
        return
    _set_lock_timeout(milliseconds)
    try:
        yield
    finally:
        # A connection that was lost in between has no setting to be taken back.
        with suppress(DatabaseError, InterfaceError):
            _set_lock_timeout(0)


def _set_lock_timeout(milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, FALSE)", [str(milliseconds)])


def _in_one_statement(move: Move) -> Moved | None:
    insert = _insert_of(move.attempt, move.columns) if move.attempt else None
    sql = _joined(move.step.sql, move.execution.sql, insert.sql if insert else None, move.known is not None)
    inserting = insert.params if insert else ()
    cursor = cursor_of(sql)
    cursor.execute(sql, [key(move.execution_id), *move.step.params, *inserting, *move.execution.params])
    row = cursor.fetchone()
    width = len(move.shapes()[0].columns)
    return None if row is None else move.moved(row[:width], row[width:])


#: The row of the execution, locked, as the conditions of its step see it (`IN_RUN`). Without it PostgreSQL looked the
#: execution up by its status, among all that are under way.
_RUN = (
    "run AS (SELECT id AS run_id, cursor AS run_cursor,"
    " (status = 'IN_PROGRESS' AND cancel_requested_at IS NULL) AS run_goes_on,"
    " (status = 'IN_PROGRESS' AND cancel_requests < 2) AS run_cleans_up"
    f" FROM {EXECUTION} WHERE id = %s"
)

#: How the WHERE clause of a move's step begins.
IN_RUN = "FROM run WHERE execution_id = run_id"


@lru_cache(maxsize=200)
def _joined(step: str, execution: str, insert: str | None, lean: bool) -> str:
    """Return the one statement of a move: made once for each kind, for it is long."""
    of_step, of_execution = _shapes(lean=lean)
    needed = dict.fromkeys([*of_step.columns, "id", "execution_id", *(_SHARED if insert else ())])
    inserted = f"a AS ({insert} FROM s)," if insert else ""
    return (
        f"WITH {_RUN} FOR NO KEY UPDATE), s AS ({step} RETURNING {listed(needed)}), {inserted}"
        f" e AS (UPDATE {EXECUTION} SET {execution} FROM s WHERE {EXECUTION}.id = s.execution_id"
        f" RETURNING {of_execution.listed(f'{EXECUTION}.')})"
        f" SELECT {of_step.listed('s.')}, {of_execution.listed('e.')} FROM s, e"
    )


def _in_one_transaction(move: Move) -> Moved | None:
    of_step, of_execution = move.shapes()
    with transaction.atomic(), connection.cursor() as cursor:
        params = [key(move.execution_id), *move.step.params]
        step = _changed(cursor, Statement(f"WITH {_RUN}) {move.step.sql}", params), of_step)
        if step is None:
            return None
        if move.attempt is not None:
            insert = _insert_of(move.attempt, move.columns)
            params = [*insert.params, key(move.attempt.step_id)]
            cursor.execute(f"{insert.sql} FROM {STEP} s WHERE s.id = %s", params)
        sql = f"UPDATE {EXECUTION} SET {move.execution.sql} WHERE id = %s"
        statement = Statement(sql, [*move.execution.params, key(move.execution_id)])
        execution = _changed(cursor, statement, of_execution)
    return None if execution is None else move.moved(step, execution)


def _changed(cursor: Any, statement: Statement, shape: Shape[Any]) -> Sequence[Any] | None:
    cursor.execute(f"{statement.sql} RETURNING {shape.listed()}", list(statement.params))
    row: Sequence[Any] | None = cursor.fetchone()
    return row


#: What an attempt and its step have in common: copied by the database, so that it is written and sent once.
_SHARED = ("request", "response", "assertions", "error")


def _insert_of(attempt: StepAttempt, columns: Mapping[str, Any]) -> Statement:
    """Return the insert of the attempt as far as its SELECT's list; the step's row is to be called `s`."""
    shared = tuple(name for name in _SHARED if name in columns and columns[name] is getattr(attempt, name))
    params = [
        write(getattr(attempt, name))
        for name, write in writers_of(StepAttempt).items()
        if name not in shared and name != "step"
    ]
    return Statement(_insert_sql(shared), params)


@cache
def _insert_sql(shared: tuple[str, ...]) -> str:
    fields = StepAttempt._meta.concrete_fields
    same = {"step": "s.id", **{name: f"s.{name}" for name in shared}}
    columns = ", ".join(str(each.column) for each in fields)
    return (
        f"INSERT INTO {ATTEMPT} ({columns}) SELECT {', '.join(same.get(each.name, '%s') for each in fields)}"
    )


def update_returning(model: type[ModelT], statement: Statement) -> list[ModelT]:
    """Carry out an UPDATE and return the changed rows as they are afterwards (an execution without its draft)."""
    shape = shape_of(model, without=_LARGE)
    with prepared_cursor() as cursor:
        cursor.execute(f"{statement.sql} RETURNING {shape.listed()}", list(statement.params))
        return [shape.instance(row) for row in cursor.fetchall()]


#: A draft can be as large as the whole flow.
_LARGE = frozenset({"draft"})


def select(model: type[ModelT], names: frozenset[str], where: Statement) -> list[ModelT]:
    """Return the rows, with these fields alone (the others are loaded when asked for).

    The same as a queryset with `only`, which takes longer to build than the database takes to answer it.
    """
    shape = shape_of(model, names)
    sql = f"SELECT {shape.listed()} FROM {model._meta.db_table} WHERE {where.sql}"
    with prepared_cursor() as cursor:
        cursor.execute(sql, list(where.params))
        return [shape.instance(row) for row in cursor.fetchall()]


def any_row(table: str, condition: str) -> bool:
    """Return whether a row meets the condition: on SQLite an empty UPDATE would take the write lock."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1", [])
        return cursor.fetchone() is not None


def in_list(values: Sequence[Any]) -> str:
    """Return the placeholders of an IN list."""
    return "(" + ", ".join(["%s"] * len(values)) + ")"
