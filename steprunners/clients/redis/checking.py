"""Checks a redis resource: connects, logs in, and sends PING."""

from __future__ import annotations

from steprunners.clients.redis.connection import RedisConnection
from steprunners.clients.redis.session import session
from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import Refused
from steprunners.network import Call, NetworkPolicy


def check_server(connection: RedisConnection, network: NetworkPolicy, deadline: Deadline) -> str:
    """Open a new connection, log in, choose the database and PING; return what answered. Raises StepError."""
    call = Call(network, deadline, Cancellation())
    with session(call, connection.address(), must_be_new=True) as server:
        try:
            server.execute("PING")
        except Refused as refusal:
            if "NOPERM" not in refusal.message:  # the login worked, and the user may not PING
                raise
    who = f" as {connection.username}" if connection.username else ""
    return f"connected to {connection.host}:{connection.port}{who}, database {connection.database}"
