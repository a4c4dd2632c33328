"""A step's and its execution's rows changed together, in one round trip where the database can.

Every move of the engine changes one step row and then its execution row. On PostgreSQL that is one statement (data-
modifying CTEs), on SQLite two in one transaction. The execution's row is always locked first, also by the moves that
change many steps in one transaction: whoever holds it may lock any of its steps, so moves cannot deadlock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import OperationalError, connection, models, transaction
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models.base import ModelState

from executions.models import Execution, ExecutionStep, StepAttempt

ModelT = TypeVar("ModelT", bound=models.Model)

STEP = ExecutionStep._meta.db_table
EXECUTION = Execution._meta.db_table
ATTEMPT = StepAttempt._meta.db_table

#: A move that another writer was in the way of is made again after these pauses, in seconds.
CONFLICT_PAUSES = (0.05, 0.2)

#: Columns that a move never needs: a draft can be as large as the whole flow.
_LEFT_OUT = frozenset({"draft"})


def now_sql() -> str:
    """Return SQL for the database's clock, which alone decides leases and due times."""
    return (
        "clock_timestamp()"
        if connection.vendor == "postgresql"
        else "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"
    )


def after_sql() -> str:
    """Return SQL for the database's clock plus a parameter in seconds."""
    if connection.vendor == "postgresql":
        return "(clock_timestamp() + make_interval(secs => %s))"
    return "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', (%s) || ' seconds')"


def milliseconds_sql(since: str) -> str:
    """Return SQL for the whole milliseconds from the column `since` to now."""
    if connection.vendor == "postgresql":
        age = f"round(extract(epoch from (clock_timestamp() - {since})) * 1000)"
        return f"CASE WHEN {since} IS NULL THEN NULL ELSE greatest(0, {age})::bigint END"
    return f"max(0, cast(round((julianday('now') - julianday({since})) * 86400000) as integer))"


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters."""

    sql: str
    params: Sequence[Any] = ()


def prepared_cursor() -> AbstractContextManager[Any]:
    """Return a cursor on which PostgreSQL parses and plans each statement once a connection, not each time.

    Django's own puts the values into the text, so that no two statements are the same; measured, planning was half
    of the server's time for a step. Psycopg prepares a text at its second use (settings: `prepare_threshold`).
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    django: Any = connection  # the kind of cursor is its own business otherwise
    kind: Any = ServerBindingCursor
    django.close_if_health_check_failed()
    django.ensure_connection()
    cursor: AbstractContextManager[Any] = django._prepare_cursor(kind(django.connection))
    return cursor


def change_step_and_execution(
    execution_id: uuid.UUID, step: Statement, execution: Statement, attempt: StepAttempt | None = None
) -> tuple[ExecutionStep, Execution] | None:
    """Carry out `step` (an UPDATE of one step) and, where it changed a row, `execution` and the insert of `attempt`.

    `step` ends in its WHERE clause; `execution` is the SET clause of an update of the step's execution. Returns both
    rows as they are afterwards, or None where the step's conditions did not hold and nothing was changed.
    """
    move = _in_one_statement if connection.vendor == "postgresql" else _in_one_transaction
    for pause in CONFLICT_PAUSES if not connection.in_atomic_block else ():
        try:
            return move(execution_id, step, execution, attempt)
        except OperationalError as error:
            if not is_conflict(error):
                raise
            time.sleep(pause)
    return move(execution_id, step, execution, attempt)


def is_conflict(error: OperationalError) -> bool:
    """Whether another writer was in the way (a lock, a deadlock), so that the same statement may go through later."""
    return "locked" in str(error) or getattr(error.__cause__, "sqlstate", None) in ("40P01", "40001", "55P03")


def _in_one_statement(
    execution_id: uuid.UUID, step: Statement, execution: Statement, attempt: StepAttempt | None
) -> tuple[ExecutionStep, Execution] | None:
    step_columns, execution_columns = _columns(ExecutionStep), _columns(Execution)
    inserted, insert_params = ("", ()) if attempt is None else _insert_attempt(attempt, "FROM s")
    sql = (
        f"WITH l AS (SELECT id FROM {EXECUTION} WHERE id = %s FOR NO KEY UPDATE),"
        f" s AS ({step.sql} AND execution_id = (SELECT id FROM l) RETURNING *), {inserted}"
        f" e AS (UPDATE {EXECUTION} SET {execution.sql} FROM s WHERE {EXECUTION}.id = s.execution_id"
        f" RETURNING {EXECUTION}.*)"
        f" SELECT {_list('s', step_columns)}, {_list('e', execution_columns)} FROM s JOIN e ON e.id = s.execution_id"
    )
    with prepared_cursor() as cursor:
        cursor.execute(sql, [key(execution_id), *step.params, *insert_params, *execution.params])
        row = cursor.fetchone()
    if row is None:
        return None
    border = len(step_columns)
    return _instance(ExecutionStep, row[:border]), _instance(Execution, row[border:])


def _insert_attempt(attempt: StepAttempt, source: str) -> tuple[str, Sequence[Any]]:
    fields = StepAttempt._meta.concrete_fields
    names = ", ".join(str(field.column) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    values = [field.get_db_prep_save(getattr(attempt, field.attname), connection) for field in fields]
    return f"a AS (INSERT INTO {ATTEMPT} ({names}) SELECT {marks} {source}),", values


def _in_one_transaction(
    execution_id: uuid.UUID, step: Statement, execution: Statement, attempt: StepAttempt | None
) -> tuple[ExecutionStep, Execution] | None:
    with transaction.atomic():
        changed = update_returning(ExecutionStep, step)
        if not changed:
            return None
        if attempt is not None:
            attempt.save(force_insert=True)
        statement = Statement(
            f"UPDATE {EXECUTION} SET {execution.sql} WHERE id = %s",
            [*execution.params, key(execution_id)],
        )
        return changed[0], update_returning(Execution, statement)[0]


def update_returning(model: type[ModelT], statement: Statement) -> list[ModelT]:
    """Carry out an UPDATE and return the changed rows as they are afterwards."""
    returning = ", ".join(f'"{column}"' for column in _columns(model))
    with prepared_cursor() as cursor:
        cursor.execute(f"{statement.sql} RETURNING {returning}", list(statement.params))
        return [_instance(model, row) for row in cursor.fetchall()]


def select(model: type[ModelT], names: frozenset[str], where: Statement) -> list[ModelT]:
    """Return the rows, with these fields alone (the others are loaded when asked for).

    The same as a queryset with `only`, which takes longer to build than the database takes to answer it.
    """
    fields = _fields(model, names)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    sql = f"SELECT {columns} FROM {model._meta.db_table} WHERE {where.sql}"
    with prepared_cursor() as cursor:
        cursor.execute(sql, list(where.params))
        return [_instance(model, row, names) for row in cursor.fetchall()]


def key(value: Any) -> Any:
    """Return a UUID as the database's own type (SQLite keeps 32 hexadecimal digits)."""
    return Execution._meta.get_field("id").get_db_prep_value(value, connection)


def in_list(values: Sequence[Any]) -> str:
    """Return the placeholders of an IN list."""
    return "(" + ", ".join(["%s"] * len(values)) + ")"


# --- rows to models -------------------------------------------------------------------------------


@cache
def _columns(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(str(field.column) for field in _fields(model))


@cache
def _fields(
    model: type[models.Model], names: frozenset[str] | None = None
) -> tuple[models.Field[Any, Any], ...]:
    """Return the fields with these names, in the model's order; without names, those that a move needs."""
    return tuple(
        field
        for field in model._meta.concrete_fields
        if (field.name not in _LEFT_OUT if names is None else field.name in names)
    )


@cache
def _field_names(model: type[models.Model], names: frozenset[str] | None) -> tuple[str, ...]:
    return tuple(field.attname for field in _fields(model, names))


@cache
def _converters(
    model: type[models.Model], names: frozenset[str] | None, vendor: str
) -> tuple[tuple[int, Any, list[Callable[..., Any]]], ...]:
    """Return, for the columns that need it, what turns the driver's value into the field's."""
    found = []
    for index, field in enumerate(_fields(model, names)):
        column = field.get_col(model._meta.db_table)  # of a foreign key: as the key that it holds
        steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        if steps:
            found.append((index, column, steps))
    return tuple(found)


def _instance(model: type[ModelT], row: Sequence[Any], names: frozenset[str] | None = None) -> ModelT:
    """Return the row as an instance, as `from_db` would; a field that is not there is loaded when asked for.

    It is built without the model's `__init__`, which looks at every field for defaults and costs ten times as much:
    five rows a step, 6 % of its time (measured).
    """
    values = list(row)
    for index, column, steps in _converters(model, names, connection.vendor):
        if values[index] is not None:
            for convert in steps:
                values[index] = convert(values[index], column, connection)
    instance = model.__new__(model)
    instance.__dict__.update(zip(_field_names(model, names), values, strict=True))
    instance._state = ModelState()
    instance._state.adding = False
    instance._state.db = connection.alias
    return instance


def _list(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f'{alias}."{column}"' for column in columns)
