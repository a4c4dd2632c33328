"""A worker's heartbeat counts it, until it stops; without Redis the worker goes on."""

from __future__ import annotations

import uuid

import pytest

from asynctester.embedded.processes import wait_until
from executions.worker import heartbeat
from executions.worker.heartbeat import Unknown, WorkerHeartbeat, workers_alive


@pytest.fixture(autouse=True)
def _own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count none of the workers of other tests."""
    monkeypatch.setattr(heartbeat, "KEY", f"workers.alive.{uuid.uuid4().hex}")


def test_a_worker_counts_until_it_stops() -> None:
    beating = WorkerHeartbeat()
    beating.start()
    assert wait_until(lambda: workers_alive() == 1, within=20)
    beating.stop()
    assert wait_until(lambda: workers_alive() == 0, within=20)


def test_a_lost_worker_stops_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "LIFETIME_SECONDS", 1.0)
    WorkerHeartbeat()._beat()
    assert wait_until(lambda: workers_alive() == 0, within=20)


def test_without_redis_the_number_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "client", lambda: None)
    WorkerHeartbeat()._beat()
    with pytest.raises(Unknown):
        workers_alive()
