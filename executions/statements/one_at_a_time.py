"""The moves of one execution go in single file within a process, instead of to the database all at once.

Every move locks its execution's row, so they come one after the other in any case. But where many threads wait for one
row in PostgreSQL, each that gets on finds the row changed meanwhile, goes on to its newest version and waits there once
more, and each looks for a deadlock among all the others after a second. For 1 000 background steps of one execution
PostgreSQL took 6.8 ms of processor time a move, and takes 2.3 in single file (measured, 56 threads).

Nothing depends on it: the database decides. So nobody waits here for ever: the first in line may be waiting for a lock
that a frozen worker holds.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

#: How long one waits in line; then one goes past the others. In seconds.
MOST_SECONDS = 1.0

_guard = threading.Lock()
_lines: WeakValueDictionary[uuid.UUID, threading.Lock] = WeakValueDictionary()


@contextmanager
def in_single_file(execution_id: uuid.UUID) -> Iterator[None]:
    """Let no other thread of this process into such a block of the same execution, unless this one takes too long.

    Do not enter it in a transaction that may hold the execution's row: whoever is in line before waits for that.
    """
    with _guard:
        line = _lines.get(execution_id)
        if line is None:
            line = _lines[execution_id] = threading.Lock()
    had_its_turn = line.acquire(timeout=MOST_SECONDS)
    try:
        yield
    finally:
        if had_its_turn:
            line.release()


def _start_afresh() -> None:
    """Give a forked child locks of its own: nobody is there to release the others."""
    global _guard, _lines  # one a process is the point
    _guard, _lines = threading.Lock(), WeakValueDictionary()


os.register_at_fork(after_in_child=_start_afresh)
