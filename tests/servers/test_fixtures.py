"""A server that cannot be had skips its tests with its reason; --require-all makes that a failure."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import connection, transaction

from tests.servers import chromium
from tests.servers.fixtures import missing, test_database_url, win_deadlocks
from tests.servers.server import Unavailable


def test_what_is_missing_skips_with_its_reason(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytestconfig.option, "require_all", False)
    with pytest.raises(pytest.skip.Exception, match="no Kafka here"):
        missing(pytestconfig, Unavailable("no Kafka here"))


def test_what_is_missing_fails_where_all_is_required(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytestconfig.option, "require_all", True)
    with pytest.raises(pytest.fail.Exception, match="no Kafka here"):
        missing(pytestconfig, Unavailable("no Kafka here"))


def test_a_machine_without_chromium_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Unavailable, match="apt-get install chromium"):
        chromium.chromium_binary()


@pytest.mark.django_db(transaction=True)
def test_the_worker_loses_a_deadlock_with_the_test() -> None:
    """Its transaction locks a row, the test the next table, and then each wants what the other has."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    victims: list[type[BaseException]] = []
    locked, wanted = threading.Event(), threading.Event()

    def work() -> None:
        with psycopg.connect(test_database_url()) as worker:
            worker.execute("LOCK TABLE flows_flow IN ROW SHARE MODE")
            locked.set()
            wanted.wait(20)
            try:
                worker.execute("LOCK TABLE accounts_team IN ROW SHARE MODE")
            except psycopg.errors.DeadlockDetected as error:
                victims.append(type(error))

    thread = threading.Thread(target=work)
    thread.start()
    locked.wait(20)
    win_deadlocks()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE accounts_team IN ACCESS EXCLUSIVE MODE")
        wanted.set()
        cursor.execute("LOCK TABLE flows_flow IN ACCESS EXCLUSIVE MODE")
    thread.join(20)
    assert victims == [psycopg.errors.DeadlockDetected]
