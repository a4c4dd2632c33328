"""A step's and its execution's rows changed together, in one round trip where the database can.

Every move of the engine changes one step row and then its execution row. On PostgreSQL that is one statement (data-
modifying CTEs), on SQLite two in one transaction. The execution's row is always locked first, also by the moves that
change many steps in one transaction: whoever holds it may lock any of its steps, so moves cannot deadlock.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    models,
    transaction,
)
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models.base import ModelState

from executions.definitions import parse
from executions.models import Execution, ExecutionStep, StepAttempt
from resources.fields import JSONTextField, to_text

ModelT = TypeVar("ModelT", bound=models.Model)

STEP = ExecutionStep._meta.db_table
EXECUTION = Execution._meta.db_table
ATTEMPT = StepAttempt._meta.db_table

#: A move that another writer was in the way of is made again after these pauses, in seconds.
CONFLICT_PAUSES = (0.05, 0.2)

#: Columns that a move never needs: a draft can be as large as the whole flow.
_LEFT_OUT = frozenset({"draft"})


@cache
def on_postgresql() -> bool:
    """Whether the database is PostgreSQL; asked once, for Django looks the connection up each time."""
    return connection.vendor == "postgresql"


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


def prepared_cursor() -> AbstractContextManager[Any]:
    """Return a cursor on which PostgreSQL parses and plans each statement once a connection, not each time.

    Django's own puts the values into the text, so that no two statements are the same; measured, planning was half
    of the server's time for a step. Psycopg prepares a text at its second use (settings: `prepare_threshold`).
    """
    if not on_postgresql():
        return connection.cursor()
    django: Any = connections[DEFAULT_DB_ALIAS]  # the kind of cursor is its own business otherwise
    kind: Any = ServerBindingCursor
    django.close_if_health_check_failed()
    django.ensure_connection()
    cursor: AbstractContextManager[Any] = django._prepare_cursor(kind(django.connection))
    return cursor


Moved = tuple[ExecutionStep, Execution]


@dataclass(frozen=True)
class Move:
    """A change of one step, and of its execution where the step's conditions hold.

    `step` is an UPDATE that ends in its WHERE clause, `execution` the SET clause of an update of the step's execution,
    `attempt` a row to insert with it. `known` are both rows as they were claimed: then only what others may have
    changed is read again, and `columns` are the values that the move itself gives the step.
    """

    execution_id: uuid.UUID
    step: Statement
    execution: Statement
    attempt: StepAttempt | None = None
    known: Moved | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def returning(self, model: type[models.Model]) -> tuple[models.Field[Any, Any], ...]:
        """Return the fields to read."""
        return _fields(model, _VOLATILE[model] if self.known else None)

    def moved(self, step: Sequence[Any], execution: Sequence[Any]) -> Moved:
        """Return both rows as they are afterwards, from what was read."""
        if self.known is None:
            return _instance(ExecutionStep, step), _instance(Execution, execution)
        before_step, before_execution = self.known
        return (
            _renewed(before_step, step, self.columns),
            _renewed(before_execution, execution, {}),
        )


def carry_out(move: Move) -> Moved | None:
    """Carry out the move; None where the step's conditions did not hold and nothing was changed."""
    way = _in_one_statement if on_postgresql() else _in_one_transaction
    for pause in CONFLICT_PAUSES if not connection.in_atomic_block else ():
        try:
            return way(move)
        except OperationalError as error:
            if not is_conflict(error):
                raise
            time.sleep(pause)
    return way(move)


def is_conflict(error: OperationalError) -> bool:
    """Whether another writer was in the way (a lock, a deadlock), so that the same statement may go through later."""
    return "locked" in str(error) or getattr(error.__cause__, "sqlstate", None) in ("40P01", "40001", "55P03")


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
    step_columns, execution_columns = (
        _columns(move.returning(ExecutionStep)),
        _columns(move.returning(Execution)),
    )
    insert = _insert_of(move)
    inserted = f"a AS ({insert.sql} FROM s)," if insert else ""
    sql = (
        f"WITH l AS (SELECT id FROM {EXECUTION} WHERE id = %s FOR NO KEY UPDATE),"
        f" s AS ({move.step.sql} AND execution_id = (SELECT id FROM l) RETURNING *), {inserted}"
        f" e AS (UPDATE {EXECUTION} SET {move.execution.sql} FROM s WHERE {EXECUTION}.id = s.execution_id"
        f" RETURNING {EXECUTION}.*)"
        f" SELECT {_list('s', step_columns)}, {_list('e', execution_columns)} FROM s JOIN e ON e.id = s.execution_id"
    )
    inserting = insert.params if insert else ()
    with prepared_cursor() as cursor:
        cursor.execute(sql, [key(move.execution_id), *move.step.params, *inserting, *move.execution.params])
        row = cursor.fetchone()
    return None if row is None else move.moved(row[: len(step_columns)], row[len(step_columns) :])


def _in_one_transaction(move: Move) -> Moved | None:
    insert = _insert_of(move)
    with transaction.atomic(), connection.cursor() as cursor:
        step = _changed(cursor, move.step, move.returning(ExecutionStep))
        if step is None:
            return None
        if insert is not None:
            where = f" FROM {STEP} s WHERE s.execution_id = %s AND s.position = %s"
            cursor.execute(insert.sql + where, [*insert.params, *_place_of(move)])
        sql = f"UPDATE {EXECUTION} SET {move.execution.sql} WHERE id = %s"
        statement = Statement(sql, [*move.execution.params, key(move.execution_id)])
        execution = _changed(cursor, statement, move.returning(Execution))
    return None if execution is None else move.moved(step, execution)


def _place_of(move: Move) -> Sequence[Any]:
    step = move.attempt.step if move.attempt else None
    return [key(move.execution_id), step.position if step else None]


def _changed(
    cursor: Any, statement: Statement, fields: Sequence[models.Field[Any, Any]]
) -> Sequence[Any] | None:
    cursor.execute(f"{statement.sql} RETURNING {_list('', _columns(fields))}", list(statement.params))
    row: Sequence[Any] | None = cursor.fetchone()
    return row


#: What an attempt and its step have in common: copied by the database, so that it is written and sent once.
_SHARED = ("request", "response", "assertions", "error")


def _insert_of(move: Move) -> Statement | None:
    """Return the insert of the attempt as far as its SELECT's list; the step's row is to be called `s`."""
    attempt = move.attempt
    if attempt is None:
        return None
    values: list[str] = []
    params: list[Any] = []
    for each in StepAttempt._meta.concrete_fields:
        value = getattr(attempt, each.attname)
        if each.name in _SHARED and each.name in move.columns and move.columns[each.name] is value:
            values.append(f"s.{each.column}")
        else:
            values.append("%s")
            params.append(to_database(each, value))
    return Statement(f"{_INSERT_ATTEMPT} SELECT {', '.join(values)}", params)


_INSERT_ATTEMPT = (
    f"INSERT INTO {ATTEMPT} ({', '.join(str(each.column) for each in StepAttempt._meta.concrete_fields)})"
)


def update_returning(model: type[ModelT], statement: Statement) -> list[ModelT]:
    """Carry out an UPDATE and return the changed rows as they are afterwards."""
    returning = _list("", _columns(_fields(model)))
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


def any_row(table: str, condition: str) -> bool:
    """Return whether a row meets the condition: on SQLite an empty UPDATE would take the write lock."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1", [])
        return cursor.fetchone() is not None


def key(value: uuid.UUID) -> Any:
    """Return a UUID as the database's own type (SQLite keeps 32 hexadecimal digits)."""
    return value if on_postgresql() else value.hex


def in_list(values: Sequence[Any]) -> str:
    """Return the placeholders of an IN list."""
    return "(" + ", ".join(["%s"] * len(values)) + ")"


def to_database(of: models.Field[Any, Any], value: Any) -> Any:
    """Return the field's value as the driver takes it."""
    return _writer(of)(value)


@cache
def _writer(of: models.Field[Any, Any]) -> Callable[[Any], Any]:
    if isinstance(of, JSONTextField):
        return to_text
    if isinstance(of, models.CharField | models.IntegerField | models.BooleanField):
        return _as_it_is
    if isinstance(of, models.UUIDField | models.ForeignKey):  # all our keys are UUIDs
        return key
    if isinstance(of, models.DateTimeField) and on_postgresql():
        return _as_it_is
    return lambda value: of.get_db_prep_save(value, connection)


def _as_it_is(value: Any) -> Any:
    return value


# --- rows to models -------------------------------------------------------------------------------

#: What a move or another worker may have changed in a claimed row, besides the columns that the move itself sets.
_VOLATILE: dict[type[models.Model], frozenset[str]] = {
    ExecutionStep: frozenset({
        "status", "due_at", "look_at", "looks", "awaiting", "state", "completed_at", "duration_ms",
    }),
    Execution: frozenset({
        "status", "phase", "failed", "failure", "sequence", "remaining", "cursor", "cancel_requested_at",
        "cancel_requests", "look_at", "looks",
    }),
}  # fmt: skip


@cache
def _columns(fields: tuple[models.Field[Any, Any], ...]) -> tuple[str, ...]:
    return tuple(str(each.column) for each in fields)


@cache
def _fields(
    model: type[models.Model], names: frozenset[str] | None = None
) -> tuple[models.Field[Any, Any], ...]:
    """Return the fields with these names, in the model's order; without names, those that a move needs."""
    return tuple(
        each
        for each in model._meta.concrete_fields
        if (each.name not in _LEFT_OUT if names is None else each.name in names)
    )


@cache
def _field_names(model: type[models.Model], names: frozenset[str] | None) -> tuple[str, ...]:
    return tuple(each.attname for each in _fields(model, names))


@cache
def _readers(
    model: type[models.Model], names: frozenset[str] | None
) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """Return, for the columns that need it, what turns the driver's value into the field's."""
    found = ((index, _reader(each)) for index, each in enumerate(_fields(model, names)))
    return tuple((index, read) for index, read in found if read is not None)


def _reader(of: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    if of.model is ExecutionStep and of.name == "definition":
        return parse
    if isinstance(of, JSONTextField):
        return json.loads
    column = of.get_col(of.model._meta.db_table)  # of a foreign key: as the key that it holds
    steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]

    def read(value: Any) -> Any:
        for convert in steps:
            value = convert(value, column, connection)
        return value

    return read if steps else None


def _values(
    model: type[models.Model], row: Sequence[Any], names: frozenset[str] | None = None
) -> dict[str, Any]:
    values = list(row)
    for index, read in _readers(model, names):
        if values[index] is not None:
            values[index] = read(values[index])
    return dict(zip(_field_names(model, names), values, strict=True))


def _instance(model: type[ModelT], row: Sequence[Any], names: frozenset[str] | None = None) -> ModelT:
    """Return the row as an instance, as `from_db` would; a field that is not there is loaded when asked for.

    It is built without the model's `__init__`, which looks at every field for defaults and costs ten times as much:
    five rows a step, 6 % of its time (measured).
    """
    instance = model.__new__(model)
    instance.__dict__.update(_values(model, row, names))
    instance._state = ModelState()
    instance._state.adding = False
    instance._state.db = DEFAULT_DB_ALIAS
    return instance


def _renewed(before: ModelT, row: Sequence[Any], columns: Mapping[str, Any]) -> ModelT:
    """Return a copy of the instance with these columns, and those read anew."""
    model = type(before)
    instance = model.__new__(model)
    instance.__dict__.update(before.__dict__)
    instance.__dict__.update(columns)
    instance.__dict__.update(_values(model, row, _VOLATILE[model]))
    return instance


def _list(alias: str, columns: Sequence[str]) -> str:
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{column}"' for column in columns)
