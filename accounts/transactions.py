"""Transactions of services: rows are locked in one order, and a service runs again after a conflict.

Rows are locked in the order of their table in `docs/tenancy.md`: organisation, team, user, then what the team owns,
executions last. A service that adds or changes something below a row locks that row (`held`), or keeps it from being
deleted (`keep`). A service that deletes a row locks it completely (`held_whole`) before it looks for what uses it. So
of two services at the same moment one comes second, and sees the work of the other.

Workers lock executions before they ask for anything above them. So a deletion gives way: it waits for a lock less
long than PostgreSQL waits before it looks for a deadlock, releases everything, and starts again (docs/adr/0016).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, connection, models, transaction

P = ParamSpec("P")
R = TypeVar("R")
ModelT = TypeVar("ModelT", bound=models.Model)

#: How long a service is made again and again, in seconds; then whoever asked is told that it is contended.
MOST_SECONDS = 10.0
#: The pause before it is made again, in seconds: of two, one is to be first.
PAUSES = (0.01, 0.1)
#: How long a deletion waits for a lock, in milliseconds: well below PostgreSQL's `deadlock_timeout` (1 s).
GIVE_WAY_MS = 300

#: PostgreSQL's codes for "another writer was in the way": deadlock, serialization failure, lock timeout.
CONFLICTS = frozenset({"40P01", "40001", "55P03"})
#: Its codes for what another writer did a moment ago: the row referred to went, or another of the same name came.
OVERTAKEN = frozenset({"23503", "23505"})


class Overtaken(Exception):
    """Something that the request was allowed or decided on has changed before its turn came; the text says what."""


def is_conflict(error: BaseException) -> bool:
    """Return whether another writer was in the way (a lock, a deadlock), so that a retry may succeed."""
    if not isinstance(error, OperationalError):
        return False
    return "locked" in str(error) or _state_of(error) in CONFLICTS


def is_overtaken(error: BaseException) -> bool:
    """Return whether another writer has just deleted what the statement refers to, or taken its unique name."""
    if not isinstance(error, IntegrityError):
        return False
    text = str(error)  # SQLite has no codes
    return _state_of(error) in OVERTAKEN or text.startswith(("FOREIGN KEY constraint", "UNIQUE constraint"))


def _state_of(error: DatabaseError) -> str | None:
    state: str | None = getattr(error.__cause__, "sqlstate", None)
    return state


def retried(service: Callable[P, R]) -> Callable[P, R]:
    """Run the service in a transaction, and run it again if another writer was in the way.

    The service must change nothing but the database, and must read again what it changes (`held`). Inside a
    transaction of the caller it cannot be retried on its own, and is part of that transaction.
    """
    return _repeated(service, None)


def deletion(service: Callable[P, R]) -> Callable[P, R]:
    """Do the same for a service that deletes: it gives way to everybody who holds a lock that it needs."""
    return _repeated(service, GIVE_WAY_MS)


def _repeated(service: Callable[P, R], lock_ms: int | None) -> Callable[P, R]:
    @wraps(service)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        until = time.monotonic() + MOST_SECONDS
        while True:
            try:
                with transaction.atomic():
                    _wait_at_most(lock_ms)
                    return service(*args, **kwargs)
            except OperationalError as error:
                given_up = connection.in_atomic_block or time.monotonic() > until
                if given_up or not is_conflict(error):
                    raise
            time.sleep(random.uniform(*PAUSES))  # noqa: S311  # no secret

    return call


def _wait_at_most(lock_ms: int | None) -> None:
    """Limit how long statements wait for a lock in this transaction (PostgreSQL; SQLite has its own limit)."""
    if lock_ms is not None and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, TRUE)", [str(lock_ms)])


def held(row: ModelT) -> ModelT:
    """Return the current row, locked: until the transaction ends nobody else can change it or lock it.

    Others can still write rows that refer to it. Raises DoesNotExist if it was deleted.
    """
    rows: Any = row._meta.default_manager  # a request's user is a lazy object, of another type
    found: ModelT = rows.select_for_update(no_key=True).get(pk=row.pk)
    return found


def held_whole(row: ModelT) -> ModelT:
    """Do the same for a row that is to be deleted or renamed: nobody can write rows that refer to it either."""
    rows: Any = row._meta.default_manager  # a request's user is a lazy object, of another type
    found: ModelT = rows.select_for_update().get(pk=row.pk)
    return found


def keep(*rows: models.Model | None) -> None:
    """Keep the rows from being deleted until the transaction ends; raise DoesNotExist if one is gone already.

    It is the lock that PostgreSQL takes for a foreign key. But PostgreSQL takes it at the very end, when the only
    thing left to do is to fail the transaction.
    """
    for row in rows:
        if row is not None and not _kept(row):
            model: Any = row._meta.model
            raise model.DoesNotExist(f"{row._meta.verbose_name} {row.pk} was deleted")


def _kept(row: models.Model) -> bool:
    if connection.vendor != "postgresql":
        return bool(row._meta.base_manager.filter(pk=row.pk).exists())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {row._meta.db_table} WHERE id = %s FOR KEY SHARE", [row.pk])  # noqa: S608  # our own
        return cursor.fetchone() is not None
