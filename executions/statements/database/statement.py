"""Runs one statement with named parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executions.statements.database.cursors import prepared_cursor
from executions.statements.database.rows import ModelT, Shape

Parameters = Mapping[str, Any]


def execute(text: str, parameters: Parameters) -> int:
    """Run a statement that returns no rows; returns how many rows it changed."""
    with prepared_cursor() as cursor:
        cursor.execute(text, parameters)
        return int(cursor.rowcount)


def fetch(text: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Return the rows of a statement as the driver gives them."""
    with prepared_cursor() as cursor:
        cursor.execute(text, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def instances(shape: Shape[ModelT], text: str, parameters: Parameters) -> list[ModelT]:
    """Return the rows of a statement as instances; it selects or returns the columns of `shape`, in their order."""
    return [shape.instance(row) for row in fetch(text, parameters)]


def instance(shape: Shape[ModelT], text: str, parameters: Parameters) -> ModelT | None:
    """Return the first of these rows as an instance; None where there is none."""
    rows = instances(shape, text, parameters)
    return rows[0] if rows else None


def is_any(text: str, parameters: Parameters) -> bool:
    """Whether the statement has a row."""
    return bool(fetch(text, parameters))
