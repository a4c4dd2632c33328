"""What starts beside the tasks, and where: never in the parent of a prefork pool."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.concurrency.thread import TaskPool as ThreadPool
from django.conf import settings
from django.db import connection

from executions.broker.thread_shares import turns
from executions.worker import startup as worker


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what would start, and start nothing."""
    found: list[str] = []
    monkeypatch.setattr(worker, "_start", lambda: found.append("beside the tasks"))
    monkeypatch.setattr(turns, "threads", 1)
    return found


@pytest.mark.parametrize(
    ("pool", "beside", "threads"), [(PreforkPool, [], 1), (ThreadPool, ["beside the tasks"], 8)]
)
def test_the_parent_of_a_prefork_pool_keeps_away_from_the_database(
    started: list[str], pool: type[PreforkPool | ThreadPool], beside: list[str], threads: int
) -> None:
    worker._in_worker(sender=SimpleNamespace(pool=pool(8, app=None)))
    assert (started, turns.threads) == (beside, threads)


@pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite has no sessions")
def test_a_worker_s_idle_transactions_are_ended_after_a_lease(db: None) -> None:
    worker.end_idle_transactions(connection)
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == (f"{settings.ENGINE_LEASE_SECONDS}s",)
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
