"""What starts beside the tasks, and where: never in the parent of a prefork pool."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.concurrency.thread import TaskPool as ThreadPool
from django.conf import settings
from django.db import connection

from executions.broker.thread_shares import turns
from executions.observability import setup
from executions.worker import startup
from executions.worker.heartbeat import heartbeat


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what would start, and start nothing."""
    found: list[str] = []
    monkeypatch.setattr(startup, "_start_threads", lambda: found.append("threads"))
    monkeypatch.setattr(heartbeat, "start", lambda: found.append("heartbeat"))
    monkeypatch.setattr(setup, "set_up_telemetry", found.append)
    monkeypatch.setattr(turns, "threads", 1)
    return found


@pytest.mark.parametrize(("pool", "beside", "threads"), [(PreforkPool, [], 1), (ThreadPool, ["threads"], 8)])
def test_a_prefork_parent_does_not_use_the_database(
    started: list[str], pool: type[PreforkPool | ThreadPool], beside: list[str], threads: int
) -> None:
    startup.start_in_worker(sender=SimpleNamespace(pool=pool(8, app=None)))
    assert (started, turns.threads) == ([*beside, "heartbeat", "worker"], threads)


@pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite has no sessions")
def test_idle_transactions_of_a_worker_end_after_a_lease(db: None) -> None:
    startup.end_idle_transactions(connection)
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == (f"{settings.ENGINE_LEASE_SECONDS}s",)
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
