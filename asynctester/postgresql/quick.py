"""Short limits for processes that somebody waits for: how long for a connection, and how long for an answer."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from asynctester.postgresql.breaker import breaker

#: Seconds to find out whether a connection still holds, and to open another (libpq takes no less).
CHECK_SECONDS, CONNECT_SECONDS = 2.0, 2
#: What `ConnectionPool.check_connection` executes.
CHECK = ""
#: Seconds after which the pool gives a new connection up, to begin anew for the next request. Its own way is to wait
#: longer and longer between tries, up to minutes after the database is back.
RECONNECT_SECONDS = 1.0
#: What the server says when it is there and has no connection left for us; the pool may have some.
FULL = ("too many", "remaining connection slots")

RV = TypeVar("RV")


class Connection(psycopg.Connection[Any]):
    """A connection that is given up where the server does not answer: a frozen one keeps it open for ever."""

    _patience: float | None = None

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Execute a statement; the pool's question whether the connection still holds is answered at once, or not."""
        self._patience = CHECK_SECONDS if query == CHECK else None
        try:
            return super().execute(query, *args, **kwargs)
        finally:
            self._patience = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for what was asked; raises OperationalError after DATABASE_ANSWER_SECONDS."""
        limit = timeout or self._patience or settings.DATABASE_ANSWER_SECONDS
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # it was the time, not the server
                self.close()
                breaker.trip()
            raise


def answer_quickly() -> None:
    """Have this process's requests wait no longer than that; before its first connection, and on PostgreSQL alone."""
    options = connections.databases[DEFAULT_DB_ALIAS]["OPTIONS"]
    if "pool" not in options:
        return
    options["pool"] |= {
        "timeout": settings.DATABASE_CONNECTION_SECONDS,
        "reconnect_timeout": RECONNECT_SECONDS,
        "connection_class": Connection,
    }
    options["connect_timeout"] = min(options["connect_timeout"], CONNECT_SECONDS)
    breaker.probe = answers


def answers() -> bool:
    """Return whether the database answers on a new connection."""
    parameters: Any = connections[DEFAULT_DB_ALIAS].get_connection_params()
    try:
        with Connection.connect(**{**parameters, "connect_timeout": CONNECT_SECONDS}) as connection:
            connection.execute(CHECK)
    except psycopg.Error as error:
        return any(each in str(error) for each in FULL)
    return True
