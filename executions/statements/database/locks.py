"""Two ways to wait for an execution's row: in line within a process, and with a limit in the database.

Every transition locks its execution's row, so the transitions of one execution run one after the other in any case.
But where many threads wait for one row in PostgreSQL, each of them finds the row changed when its turn comes, follows
it to the newest version and waits there again. Each also looks for a deadlock among all others after a second. For
1,000 background steps of one execution PostgreSQL took 6.8 ms of processor time a transition. It takes 2.3 ms when
only one thread of a process goes to the database at a time (measured, 56 threads).

Correctness does not depend on the lock within the process: the database decides. So nobody waits here for ever. The
first in line may wait for a row that a frozen worker holds.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from weakref import WeakValueDictionary

from django.db import DatabaseError, InterfaceError, connection

from executions.statements.database.dialect import on_postgresql

#: How long a thread waits in line, in seconds. After that it goes on without the lock.
MAX_WAIT_SECONDS = 1.0

_guard = threading.Lock()
_locks: WeakValueDictionary[uuid.UUID, threading.Lock] = WeakValueDictionary()


@contextmanager
def in_process_lock(execution_id: uuid.UUID) -> Iterator[None]:
    """Keep other threads of this process out of such a block for the same execution, for MAX_WAIT_SECONDS at most.

    Do not enter it in a transaction that may hold the execution's row: the thread before in the line waits for that.
    """
    with _guard:
        lock = _locks.get(execution_id)
        if lock is None:
            lock = _locks[execution_id] = threading.Lock()
    is_locked = lock.acquire(timeout=MAX_WAIT_SECONDS)
    try:
        yield
    finally:
        if is_locked:
            lock.release()


def _start_afresh() -> None:
    """Give a forked child its own locks: no thread is there to release the parent's."""
    global _guard, _locks  # one a process is the point
    _guard, _locks = threading.Lock(), WeakValueDictionary()


os.register_at_fork(after_in_child=_start_afresh)


@contextmanager
def lock_timeout(milliseconds: int) -> Iterator[None]:
    """Let no statement of the block wait longer for a lock (PostgreSQL only; SQLite has its own limit).

    A frozen worker may hold one in the middle of a transaction. Raises OperationalError, see `is_conflict`.
    """
    if not on_postgresql():
        yield
        return
    _set_lock_timeout(milliseconds)
    try:
        yield
    finally:
        # A connection that was lost meanwhile has no setting to reset.
        with suppress(DatabaseError, InterfaceError):
            _set_lock_timeout(0)


def _set_lock_timeout(milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %(limit)s, FALSE)", {"limit": str(milliseconds)})
