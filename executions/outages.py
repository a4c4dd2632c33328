"""Says which errors are an outage: something that the service relies on is away or full; its own code is not wrong.

REST, pages, admin and streams use it. They answer an outage with 503 (streams: 1013): the same request may succeed a
moment later. A wrong SQL statement is not an outage: 500, and a traceback in the log.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator

import psycopg
import redis
from kombu.exceptions import OperationalError as BrokerError

#: Classes of PostgreSQL's error codes: connections, resources (disk, memory), operator intervention, system errors.
_CLASSES = ("08", "53", "57", "58")
#: Single error codes: a read-only standby, a lock that is not available, a deadlock, a serialization failure, a refused
#: login, a missing database.
_STATES = frozenset({"25006", "55P03", "40P01", "40001", "28000", "28P01", "3D000"})
#: SQLite's result codes, without their extensions.
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
#: Errors of this machine: disks that are full, broken or read-only; no file handles or memory left.
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
    """Return whether an outage is or caused the error: Django wraps the errors of drivers, sessions hide them."""
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
    """Errors from the server have a code. Without one it did not answer, or the pool had no free connection."""
    if error.sqlstate is not None:
        return error.sqlstate.startswith(_CLASSES) or error.sqlstate in _STATES
    if isinstance(error, psycopg.InterfaceError):
        return "connection" in str(error)  # closed or lost; other ones are about cursors
    return isinstance(error, psycopg.OperationalError)
