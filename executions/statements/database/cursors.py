"""Cursors with which PostgreSQL parses and plans a statement once a connection, not each time.

Django's own cursor puts the values into the text, so no two statements are the same. Planning was then half of the
server's time for a step (measured). Psycopg prepares a text at its second use (settings: `prepare_threshold`).

Parameters are named (`%(name)s`), in a mapping. Psycopg translates a text to numbered ones once and remembers it.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg.pq import Format

from executions.statements.database.dialect import on_postgresql


def prepared_cursor() -> AbstractContextManager[Any]:
    """Return a cursor that prepares its statements on PostgreSQL, and an ordinary one elsewhere."""
    if not on_postgresql():
        return connection.cursor()
    django = _connected()
    kind: Any = ServerBindingCursor
    cursor: AbstractContextManager[Any] = _for_django(django, kind(django.connection))
    return cursor


class _Kept(threading.local):
    """The cursors of this thread's connection, by the text that they run."""

    connection: Any = None
    cursors: dict[str, Any]


_kept = _Kept()


def cursor_of(text: str) -> Any:
    """Return the cursor that this thread keeps for the statement (PostgreSQL only). Do not close it.

    A cursor that runs the same text again already knows how to convert its parameters and columns. To look that up
    for twenty columns took longer than to convert them. Values come in the binary format, which psycopg reads in C (the
    text of a time goes through Django's Python). Keep the set of texts small: each has a cursor in every thread.
    """
    django = _connected()
    if _kept.connection is not django.connection:
        _kept.connection, _kept.cursors = django.connection, {}
    cursor = _kept.cursors.get(text)
    if cursor is None:
        kind: Any = ServerBindingCursor
        cursor = _kept.cursors[text] = kind(django.connection)
        cursor.format = Format.BINARY
    return _for_django(django, cursor)


def _for_django(django: Any, cursor: Any) -> Any:
    """Return the cursor as Django's own: its exceptions are Django's, and queries are logged where Django logs them."""
    return django.make_debug_cursor(cursor) if django.queries_logged else django.make_cursor(cursor)


def _connected() -> Any:
    django: Any = connections[DEFAULT_DB_ALIAS]  # typed loosely: we choose the class of the cursor
    django.validate_thread_sharing()
    django.close_if_health_check_failed()
    django.ensure_connection()
    return django
