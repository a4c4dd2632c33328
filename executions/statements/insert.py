"""New rows by plain, prepared SQL: Django takes longer to write such a statement than PostgreSQL to run it.

Measured: with Django the rows of a run of three steps were a quarter of the time that its request takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models

from executions.statements.database.cursors import prepared_cursor
from executions.statements.database.dialect import listed
from executions.statements.database.rows import to_database


def insert(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model as they are; raises IntegrityError. No signals are sent."""
    if not rows:
        return
    with prepared_cursor() as cursor:
        cursor.executemany(_insert(type(rows[0])), [_values(row) for row in rows])
    for row in rows:
        row._state.adding = False
        row._state.db = DEFAULT_DB_ALIAS


@cache
def _insert(model: type[models.Model]) -> str:
    columns = [str(each.column) for each in model._meta.concrete_fields]
    placeholders = ", ".join(f"%({column})s" for column in columns)
    return f"INSERT INTO {model._meta.db_table} ({listed(columns)}) VALUES ({placeholders})"


def _values(row: models.Model) -> dict[str, Any]:
    # Not by getattr: that would decrypt values that are taken over encrypted.
    held = row.__dict__
    return {str(each.column): _written(each, held[each.attname]) for each in row._meta.concrete_fields}


def _written(of: models.Field[Any, Any], value: Any) -> Any:
    return None if value is None else to_database(of, value)
