"""Tests of `asynctester.health`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest
from django.test import Client

from asynctester import health
from asynctester.celery import app
from asynctester.embedded.processes import wait_until
from asynctester.version import VERSION
from executions.worker import heartbeat


@pytest.fixture
def broker_url() -> Iterator[None]:
    """Let a test set `app.conf.broker_url`; give it back afterwards."""
    names = ("broker_url", "broker_write_url")
    before = {name: app.conf[name] for name in names}
    yield
    app.conf.update(before)


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look where no worker of another test has left its word."""
    monkeypatch.setattr(heartbeat, "KEY", f"workers.alive.{uuid.uuid4().hex}")


@pytest.fixture
def worker_beats() -> Iterator[heartbeat.WorkerHeartbeat]:
    """Have a worker say that it lives, until it stops."""
    beating = heartbeat.WorkerHeartbeat()
    beating.start()
    assert wait_until(lambda: heartbeat.workers_alive() == 1, within=20)
    yield beating
    beating.stop()
    assert wait_until(lambda: heartbeat.workers_alive() == 0, within=20)


def test_alive_needs_no_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "version": VERSION}


@pytest.mark.django_db
@pytest.mark.usefixtures("worker_beats")
def test_ready_where_all_parts_answer(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.content
    assert answer.json()["status"] == "ok"
    assert {name: part["ok"] for name, part in answer.json()["parts"].items()} == {
        "database": True,
        "broker": True,
        "worker": True,
    }
    assert answer.json()["parts"]["worker"]["count"] == 1
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_no_worker_is_told_apart(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    parts = answer.json()["parts"]
    assert [parts[name]["ok"] for name in ("database", "broker", "worker")] == [True, True, False]
    assert "no worker" in parts["worker"]["message"]


@pytest.mark.django_db
def test_only_the_parts_that_are_named_decide(client: Client) -> None:
    answer = client.get("/readyz?parts=database,broker")
    assert answer.status_code == 200
    assert set(answer.json()["parts"]) == {"database", "broker"}


@pytest.mark.parametrize("named", ["", "databases", "database,", "worker,x"])
def test_a_part_that_there_is_not(client: Client, named: str) -> None:
    answer = client.get(f"/readyz?parts={named}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "parts"


@pytest.mark.django_db
@pytest.mark.usefixtures("broker_url", "worker_beats")
def test_a_broker_that_refuses_is_named(client: Client) -> None:
    _broker("redis://127.0.0.1:1/0")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["broker"] == {"ok": False, "message": "does not answer"}
    assert answer.json()["parts"]["database"]["ok"] is True
    assert answer.json()["parts"]["worker"]["ok"] is True


@pytest.mark.django_db
@pytest.mark.usefixtures("broker_url")
def test_a_broker_that_is_silent_is_not_waited_for(client: Client, silent_port: int) -> None:
    _broker(f"redis://127.0.0.1:{silent_port}/0")
    answer = client.get("/readyz?parts=broker,database")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"]["ok"] is True


def test_what_hangs_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang() -> health.Facts:
        time.sleep(1.5)
        return {}

    monkeypatch.setattr(health, "PATIENCE", 0.2)
    monkeypatch.setitem(health._PARTS, "broker", hang)
    answer = client.get("/readyz?parts=broker")
    assert answer.json()["parts"]["broker"] == {"ok": False, "message": "does not answer"}


@pytest.mark.django_db
def test_without_redis_nobody_knows_of_workers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "client", lambda: None)
    answer = client.get("/readyz?parts=worker")
    assert answer.status_code == 503
    assert answer.json()["parts"]["worker"]["message"] == "does not answer"


def test_a_database_that_does_not_answer_is_named(client: Client) -> None:
    # Without the django_db mark pytest-django refuses every query: as good as a database that is away.
    answer = client.get("/readyz?parts=database,broker")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == {"ok": False, "message": "does not answer"}


def test_other_methods_are_refused(client: Client) -> None:
    assert client.post("/readyz").status_code == 405


def _broker(url: str) -> None:
    app.conf.update(broker_url=url, broker_write_url=url)
