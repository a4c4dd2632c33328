"""The names that the SQL of the engine is written with: tables, and what PostgreSQL and SQLite write differently.

The database's clock alone decides leases and due times. A worker's clock may be wrong.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import connection

from executions.models import Execution, ExecutionStep, StepAttempt

STEP = ExecutionStep._meta.db_table
EXECUTION = Execution._meta.db_table
ATTEMPT = StepAttempt._meta.db_table


@cache
def on_postgresql() -> bool:
    """Whether the database is PostgreSQL. Asked once: Django looks the connection up each time."""
    return connection.vendor == "postgresql"


#: The database's clock. On PostgreSQL not `now()`, which is when the transaction began.
NOW = "clock_timestamp()" if on_postgresql() else "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"

#: The database's clock in seconds since the epoch.
EPOCH_SECONDS = (
    "extract(epoch from clock_timestamp())" if on_postgresql() else "(julianday('now') - 2440587.5) * 86400.0"
)

#: Row locks at the end of a SELECT. SQLite has none: one transaction writes at a time.
SKIP_LOCKED = "FOR UPDATE SKIP LOCKED" if on_postgresql() else ""
NO_KEY_UPDATE = "FOR NO KEY UPDATE" if on_postgresql() else ""
KEY_SHARE = "FOR KEY SHARE" if on_postgresql() else ""


def after(seconds: str) -> str:
    """Return SQL for the database's clock plus seconds; `seconds` is SQL, mostly a parameter."""
    if on_postgresql():
        return f"(clock_timestamp() + make_interval(secs => {seconds}))"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', ({seconds}) || ' seconds')"


def milliseconds_since(column: str) -> str:
    """Return SQL for the whole milliseconds from the column's time to now; never negative, NULL for NULL."""
    if on_postgresql():
        age = f"round(extract(epoch from (clock_timestamp() - {column})) * 1000)"
        return f"CASE WHEN {column} IS NULL THEN NULL ELSE greatest(0, {age})::bigint END"
    return f"max(0, cast(round((julianday('now') - julianday({column})) * 86400000) as integer))"


def among(parameter: str) -> str:
    """Return the SQL behind a column for "is one of these"; the parameter's value comes from `many`.

    It is one parameter, however many values there are. So the texts of the statements stay few.
    """
    if on_postgresql():
        return f"= ANY(%({parameter})s)"
    return f"IN (SELECT value FROM json_each(%({parameter})s))"


def many(values: Iterable[Any]) -> Any:
    """Return the values of a parameter of `among`, which are keys or numbers."""
    written = [key(value) if isinstance(value, uuid.UUID) else value for value in values]
    return written if on_postgresql() else json.dumps(written)


def key(value: uuid.UUID) -> Any:
    """Return a UUID as the database's own type (SQLite keeps 32 hexadecimal digits)."""
    return value if on_postgresql() else value.hex


def uuid_of(value: Any) -> uuid.UUID:
    """Return a UUID that a statement without a model read."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def listed(columns: Iterable[str], prefix: str = "") -> str:
    """Return the columns as SQL; `prefix` is their table's name or alias with a dot."""
    return ", ".join(f'{prefix}"{column}"' for column in columns)


def sql(text: str) -> str:
    """Return a statement on one line.

    Psycopg remembers how it translates a text of up to 4,096 characters. The spaces that make it readable would take a
    large part of them.
    """
    return " ".join(text.split())
