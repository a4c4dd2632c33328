"""Tests of `asynctester.postgresql.quick`: one connection; the whole of it is in tests/faults/test_unavailable.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import psycopg
import pytest
from django.conf import settings as project
from django.db import connections
from pytest_django import Settings

from asynctester.postgresql import quick
from asynctester.postgresql.breaker import breaker
from executions.observability.outages import is_outage
from tests.faults.proxy import Mode, Proxy

pytestmark = pytest.mark.skipif(project.IS_SQLITE, reason="SQLite has no server that could be silent")


@pytest.fixture
def line() -> Iterator[Proxy]:
    """What is between us and the server."""
    address = os.environ["DATABASE_URL"].rpartition("@")[2].partition("/")[0]
    host, _, port = address.partition(":")
    made = Proxy((host, int(port)))
    yield made
    made.stop()


def connect(line: Proxy) -> quick.Connection:
    found = quick.Connection.connect(f"postgresql://postgres@127.0.0.1:{line.port}/postgres", autocommit=True)
    assert isinstance(found, quick.Connection)
    return found


def test_a_statement_without_an_answer_is_given_up(
    line: Proxy, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASE_ANSWER_SECONDS = 1.0
    monkeypatch.setattr(breaker, "probe", None)
    connection = connect(line)
    assert connection.execute("SELECT 1").fetchone() == (1,)
    line.set(Mode.BLACKHOLE)
    with pytest.raises(psycopg.OperationalError) as caught:
        connection.execute("SELECT 2")
    assert is_outage(caught.value)
    assert connection.closed


def test_the_pools_own_question_has_less_time(
    line: Proxy, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASE_ANSWER_SECONDS = 10_000.0
    monkeypatch.setattr(breaker, "probe", None)
    monkeypatch.setattr(quick, "CHECK_SECONDS", 0.5)
    connection = connect(line)
    line.set(Mode.BLACKHOLE)
    with pytest.raises(psycopg.OperationalError):
        connection.execute(quick.CHECK)


def test_an_answer_that_is_an_error_leaves_the_connection_open(line: Proxy) -> None:
    connection = connect(line)
    with pytest.raises(psycopg.ProgrammingError) as caught:
        connection.execute("SELECT nonsense")
    assert not is_outage(caught.value)
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_pools_options(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    databases = deepcopy(connections.databases)
    monkeypatch.setattr(type(connections), "databases", databases, raising=False)
    monkeypatch.setattr(breaker, "probe", None)
    quick.answer_quickly()
    options: dict[str, Any] = databases["default"]["OPTIONS"]
    assert options["pool"]["timeout"] == settings.DATABASE_CONNECTION_SECONDS
    assert options["pool"]["connection_class"] is quick.Connection
    assert options["connect_timeout"] == quick.CONNECT_SECONDS
    assert breaker.probe is quick.answers
    assert breaker.probe()
