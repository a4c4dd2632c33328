"""What counts as an outage: that something the service relies on is away or full, and no fault of its own code.

Every door asks here: REST, pages, admin, streams. An outage is answered 503 (streams: 1013), and the same request may
go through a moment later. A statement that is wrong stays a fault: 500, and its traceback in the log.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator

import psycopg
import redis
from kombu.exceptions import OperationalError as BrokerError

#: Of PostgreSQL's states, whole classes: connections, resources (disk, memory), who operates it, its system.
_CLASSES = ("08", "53", "57", "58")
#: And single ones: a standby that takes no writes, a lock that is not to be had, a deadlock, another writer, no login
#: for the service or no such database.
_STATES = frozenset({"25006", "55P03", "40P01", "40001", "28000", "28P01", "3D000"})
#: Of SQLite's results, without their extensions.
_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
#: Of this machine: disks that are full, broken or read-only; no files or memory left.
_MACHINE = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    }
)
_BROKER = (
    BrokerError,
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
)


def is_outage(error: BaseException) -> bool:
    """Return whether the error is an outage, or came of one: Django wraps what drivers raise, sessions hide it."""
    return any(_is(each) for each in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _is(error: BaseException) -> bool:
    match error:
        case psycopg.Error():
            return _is_of_postgresql(error)
        case sqlite3.Error():
            return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE
        case OSError():
            return error.errno in _MACHINE or "No usable temporary directory" in str(error)
    return isinstance(error, _BROKER)


def _is_of_postgresql(error: psycopg.Error) -> bool:
    """The server's own errors have a state. Without one it did not answer, or the pool had no connection to give."""
    if error.sqlstate is not None:
        return error.sqlstate.startswith(_CLASSES) or error.sqlstate in _STATES
    if isinstance(error, psycopg.InterfaceError):
        return "connection" in str(error)  # is closed, was lost; others are about cursors
    return isinstance(error, psycopg.OperationalError)
