"""How the processes hold their connections to the database (settings)."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings

from tests.servers.stack import LiveStack

#: Ends all connections of others to the database, as a restart of its server does, and waits until they are.
END_ALL = (
    "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite has no connections that a server could end")
def test_connections_that_the_server_ended_fail_no_request(live_stack: LiveStack) -> None:
    session = live_stack.session()
    with psycopg.connect(live_stack.environment["DATABASE_URL"], autocommit=True) as server:
        for _ in range(3):
            assert session.get("flows")["results"] is not None  # which leaves a connection in the pool
            assert server.execute(END_ALL).fetchall()
            assert session.get("flows")["results"] is not None
