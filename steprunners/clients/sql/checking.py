"""Checks that the database of a sql resource accepts the login."""

from __future__ import annotations

from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.running import dialect_of, explained
from steprunners.deadline import Cancellation, Deadline
from steprunners.network import Call, NetworkPolicy


def check_database(connection: SqlConnection, network: NetworkPolicy, deadline: Deadline) -> str:
    """Open a new connection, outside the pool, and return what answered; raise StepError where that fails."""
    dialect = dialect_of(connection)
    call = Call(network, deadline, Cancellation())
    with call.guarded(), explained(dialect, call):
        raw = dialect.connect(connection, call)
        try:
            version = dialect.version(raw)
        finally:
            raw.close()
    return f"{dialect.name} {version} answers, database {connection.database}"
