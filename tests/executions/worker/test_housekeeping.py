"""Tests of `executions.worker.housekeeping`: when it runs, in which worker, and that a worker starts it."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Team
from executions.models import Chore, Execution
from executions.worker.housekeeping import JOB, REST, Pace, keep_house
from executions.worker.job_lease import take_lease
from tests.executions.retention.test_purge import run
from tests.servers.fixtures import test_database_url
from tests.servers.stack import Worker, server_environment

PATIENCE_SECONDS = 60


def test_it_removes_old_runs_and_what_accounts_leave_behind(team: Team) -> None:
    run(team, 366)
    Session.objects.create(session_key="a", session_data="", expire_date=timezone.now() - timedelta(days=1))
    did = keep_house(stop=threading.Event())
    assert did is not None
    assert (did["executions"], did["sessions"]) == (1, 1)
    assert not Execution.objects.exists()
    chore = Chore.objects.get()
    assert chore.did == did
    assert chore.done_at is not None
    assert chore.due_at > timezone.now() + timedelta(minutes=50)


def test_it_waits_until_it_is_due(team: Team) -> None:
    assert keep_house(stop=threading.Event()) is not None
    run(team, 366)
    assert keep_house(stop=threading.Event()) is None
    assert Execution.objects.exists()
    assert keep_house(stop=threading.Event(), even_early=True) is not None
    assert not Execution.objects.exists()


def test_a_stopped_worker_leaves_the_rest_to_the_next(team: Team) -> None:
    run(team, 366)
    stop = threading.Event()
    stop.set()
    keep_house(stop=stop)
    assert Execution.objects.exists()
    assert Chore.objects.get().done_at is None
    keep_house(stop=threading.Event())
    assert not Execution.objects.exists()


@pytest.mark.django_db
def test_a_lost_lease_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.worker.housekeeping.RENEW_SECONDS", 0)
    lease = take_lease(JOB)
    assert lease is not None
    pace = Pace(lease, threading.Event())
    assert pace()
    Chore.objects.update(held_until=Now() - timedelta(seconds=1))
    assert not pace()


@pytest.mark.django_db
def test_housekeeping_rests_longer_than_it_works() -> None:
    lease = take_lease(JOB)
    assert lease is not None
    pace = Pace(lease, threading.Event())
    time.sleep(0.05)
    started = time.monotonic()
    assert pace()
    assert time.monotonic() - started >= 0.05 * REST * 0.9


def test_a_worker_keeps_house_by_itself(team: Team, transactional_db: None, tmp_path: Path) -> None:
    run(team, 366)
    environment = server_environment(
        DATABASE_URL=test_database_url(), REDIS_URL=settings.REDIS_URL, HOUSEKEEPING_SECONDS="2"
    )
    worker = Worker(environment, tmp_path / "worker.log").start()
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while Execution.objects.exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not Execution.objects.exists()
    finally:
        worker.stop()
