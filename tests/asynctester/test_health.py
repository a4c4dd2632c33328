"""Tests of `asynctester.health`."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.test import Client

from asynctester.celery import app


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Return a port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def broker_url() -> Iterator[None]:
    """Let a test set `app.conf.broker_url`; give it back afterwards."""
    names = ("broker_url", "broker_write_url")
    before = {name: app.conf[name] for name in names}
    yield
    app.conf.update(before)


def test_alive_needs_no_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_where_database_and_broker_answer(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.content
    assert answer.json()["status"] == "ok"
    assert {name: part["ok"] for name, part in answer.json()["parts"].items()} == {
        "database": True,
        "broker": True,
    }
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.usefixtures("broker_url")
def test_a_broker_that_refuses_is_named(client: Client) -> None:
    _broker("redis://127.0.0.1:1/0")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["broker"] == {"ok": False, "message": "does not answer"}
    assert answer.json()["parts"]["database"]["ok"] is True


@pytest.mark.django_db
@pytest.mark.usefixtures("broker_url")
def test_a_broker_that_is_silent_is_not_waited_for(client: Client, silent_port: int) -> None:
    _broker(f"redis://127.0.0.1:{silent_port}/0")
    assert client.get("/readyz").status_code == 503


def test_a_database_that_does_not_answer_is_named(client: Client) -> None:
    # Without the django_db mark pytest-django refuses every query: as good as a database that is away.
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == {"ok": False, "message": "does not answer"}


def test_other_methods_are_refused(client: Client) -> None:
    assert client.post("/readyz").status_code == 405


def _broker(url: str) -> None:
    app.conf.update(broker_url=url, broker_write_url=url)
