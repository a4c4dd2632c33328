"""How the processes reach the database, and hold their connections to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from environ import Env

from asynctester.settings.database import database
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


def of(monkeypatch: pytest.MonkeyPatch, url: str, **environment: str) -> dict[str, Any]:
    for name, value in {"DATABASE_URL": url, **environment}.items():
        monkeypatch.setenv(name, value)
    return database(Env(), Path("/data"))


def test_without_a_url_it_is_sqlite_in_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    found = database(Env(), Path("/data"))
    assert (found["ENGINE"], found["NAME"]) == ("django.db.backends.sqlite3", "/data/asynctester.sqlite3")
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_what_the_url_says_goes_before_what_we_say(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "sslmode=verify-full&connect_timeout=9&options=-c%20statement_timeout=5s"
    found = of(monkeypatch, f"postgresql://u:p@host:1/name?{query}")["OPTIONS"]
    assert (found["sslmode"], found["connect_timeout"], found["keepalives_idle"]) == ("verify-full", 9, 4)
    assert found["options"].split("-c ")[1:] == [
        "plan_cache_mode=force_generic_plan ",
        "statement_timeout=5s",
    ]
    assert of(monkeypatch, "sqlite:////tmp/x.db?timeout=9")["OPTIONS"]["timeout"] == 9


def test_a_folder_of_sockets_is_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of(monkeypatch, "postgresql://user@%2Frun%2Fpostgresql/name")
    assert (found["HOST"], found["NAME"]) == ("/run/postgresql", "name")


def test_behind_a_pooler_nothing_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of(monkeypatch, "postgresql://u@host/name", DATABASE_PREPARE="false")["OPTIONS"]
    assert found["prepare_threshold"] is None
    assert "options" not in found  # which some poolers refuse
    url = "postgresql://u@host/name?options=-c%20statement_timeout=5s"
    assert of(monkeypatch, url, DATABASE_PREPARE="false")["OPTIONS"]["options"] == "-c statement_timeout=5s"


@pytest.mark.parametrize("url", ["mysql://u@host/name", "oracle://u@host/name"])
def test_another_database_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="postgresql:// or sqlite://"):
        of(monkeypatch, url)


@pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite prepares for itself")
def test_statements_are_planned_once(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("force_generic_plan",)
