"""The connections that a worker keeps: one SQLAlchemy engine for each connection config and network policy.

A changed resource has another config, so its old connections are never used again. They are closed when they have been
idle for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool, QueuePool

from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.dialect import Dialect
from steprunners.network import Call, NetworkPolicy
from steprunners.network.connection_store import ConnectionStore, has_unread_data

MAX_ENGINES = 32
MAX_IDLE_SECONDS = 60.0
#: How many idle connections an engine keeps. The threads of a worker may use more; those are closed afterwards.
IDLE_CONNECTIONS = 4

_Key = tuple[str, NetworkPolicy]


class _ThreadState(threading.local):
    """The call that this thread opens a connection for."""

    call: Call | None = None


_thread = _ThreadState()
_engines: ConnectionStore[_Key, sa.Engine] = ConnectionStore(
    max_kept=MAX_ENGINES, max_idle_seconds=MAX_IDLE_SECONDS, close=sa.Engine.dispose
)


@dataclass
class Loan:
    """A borrowed connection; a spoilt one is not used again."""

    connection: sa.Connection
    is_spoilt: bool = False

    @property
    def raw(self) -> Any:
        """The driver's connection."""
        return self.connection.connection.driver_connection


@contextmanager
def connected(dialect: Dialect, connection: SqlConnection, call: Call) -> Iterator[Loan]:
    """Lend a connection that `call` watches; afterwards it is cleaned for the next user, or closed."""
    engine = _engine(dialect, connection, call.policy)
    _thread.call = call
    try:
        borrowed = engine.connect()
    finally:
        _thread.call = None
    loan = Loan(borrowed, is_spoilt=True)
    with borrowed:
        try:
            yield loan
            if not loan.is_spoilt:
                dialect.clean(loan.raw)
        except BaseException:
            loan.is_spoilt = True
            raise
        finally:
            if loan.is_spoilt and not borrowed.invalidated:
                call.end()  # otherwise closing would wait for data that is still coming
                borrowed.invalidate()


def _engine(dialect: Dialect, connection: SqlConnection, policy: NetworkPolicy) -> sa.Engine:
    key = (connection.model_dump_json(), policy)
    return _engines.get(key, lambda: _make_engine(dialect, connection))


def _make_engine(dialect: Dialect, connection: SqlConnection) -> sa.Engine:
    def create() -> Any:
        call = _thread.call
        assert call is not None  # noqa: S101 - only `connected` borrows
        return dialect.connect(connection, call)

    sizes = {"pool_size": IDLE_CONNECTIONS, "max_overflow": -1} if dialect.pooled else {}
    engine = sa.create_engine(
        sa.URL.create(dialect.drivername),
        creator=create,
        poolclass=QueuePool if dialect.pooled else NullPool,
        pool_reset_on_return=None,  # `Dialect.clean` does that
        hide_parameters=True,
        **sizes,
        **dialect.engine_options,
    )
    _watch_borrowing(engine, dialect)
    return engine


def _watch_borrowing(engine: sa.Engine, dialect: Dialect) -> None:
    @event.listens_for(engine, "checkout")
    def checkout(raw: Any, record: Any, _fairy: Any) -> None:
        descriptor = dialect.descriptor(raw)
        if descriptor is None:
            return
        idle = time.monotonic() - record.info.get("returned_at", time.monotonic())
        if idle > MAX_IDLE_SECONDS or has_unread_data(descriptor):
            raise exc.DisconnectionError  # the pool takes another connection, or opens a new one
        if _thread.call is not None:
            _thread.call.watch_descriptor(descriptor)

    @event.listens_for(engine, "checkin")
    def checkin(_raw: Any, record: Any) -> None:
        record.info["returned_at"] = time.monotonic()


def close_engines() -> None:
    """Close every connection that is kept."""
    _engines.close()
