"""Every route while the database is away, takes no writes, or is full: 503 in the usual shape, and never a 500."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from asynctester.middleware.refusals import RETRY_SECONDS
from tests.matrix import api_rows, page_rows
from tests.matrix.actors import Asker, World
from tests.matrix.rows import Row
from tests.matrix.test_admin import paths
from tests.matrix.walk import ask

READ_ONLY = psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction")
AWAY = psycopg.OperationalError("server closed the connection unexpectedly")
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH\b.*\b(INSERT|UPDATE|DELETE))", re.IGNORECASE | re.DOTALL)
#: By which the matrix takes back what a request did.
OF_TRANSACTIONS = re.compile(r"SAVEPOINT|RELEASE|ROLLBACK")


def full() -> sqlite3.OperationalError:
    """Return SQLite's error, with its code."""
    file = sqlite3.connect(":memory:")
    file.execute("PRAGMA max_page_count = 1")
    try:
        file.execute("CREATE TABLE t (a)").execute("INSERT INTO t VALUES (1)")
    except sqlite3.OperationalError as error:
        return error
    finally:
        file.close()
    raise AssertionError("there was room")


@contextmanager
def outage(cause: Exception, *, writes_alone: bool = False) -> Iterator[list[str]]:
    """Let each statement of the block fail; the list has those that did."""
    failed: list[str] = []

    def fail(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if OF_TRANSACTIONS.match(sql) or (writes_alone and not WRITES.match(sql)):
            return execute(sql, *rest)
        failed.append(sql)
        raise OperationalError(str(cause)) from cause

    with connection.execute_wrapper(fail):
        yield failed


def asked(asker: Asker, row: Row, world: World, failed: list[str]) -> list[str]:
    """Return what is wrong with the answer."""
    failed.clear()
    response = ask(asker, row, world.tenants["acme"])
    text = response.content.decode("utf-8", "replace")
    if not failed:
        return [] if response.status_code < 500 or "z" in row.route else [f"{row}: {response.status_code}"]
    if row.route in ("readyz", "metrics"):
        return []
    problems = []
    if response.status_code != 503 or response.get("Retry-After") != str(RETRY_SECONDS):
        problems.append(f"{row}: {response.status_code} after {failed[0][:80]}: {text[:200]}")
    elif row.route.startswith("api/") and "unavailable" not in text:  # flows/export has YAML
        problems.append(f"{row}: {text[:200]}")
    if "Traceback" in text or "OperationalError" in text or "server closed" in text:
        problems.append(f"{row}: tells too much")
    return problems


@pytest.mark.parametrize(
    ("name", "cause", "writes_alone"),
    [
        ("owner", AWAY, False),
        ("run_token", READ_ONLY, True),
        ("installation", full(), True),
        pytest.param("owner", READ_ONLY, True, marks=pytest.mark.soak),
        pytest.param("anonymous", AWAY, False, marks=pytest.mark.soak),
    ],
)
def test_every_route_says_503(world: World, name: str, cause: Exception, writes_alone: bool) -> None:
    by_session = Asker(world.actors[name], by_session=True)
    by_token = Asker(world.actors[name], by_session=False)
    problems = []
    with outage(cause, writes_alone=writes_alone) as failed:
        for row in api_rows.ROWS:
            problems += asked(by_token, row, world, failed)
        for row in page_rows.ROWS:
            problems += asked(by_session, row, world, failed)
    assert not problems, "\n".join(problems)


def test_every_page_of_the_admin_says_503(world: World) -> None:
    asker = Asker(world.actors["installation"], by_session=True)
    things = world.tenants["acme"]
    found = paths(things)
    with outage(AWAY):
        answers = {path: asker.client.get(path) for path in found}
    wrong = {path: answer.status_code for path, answer in answers.items() if answer.status_code != 503}
    assert not wrong
    assert all("Not available at the moment" in answer.content.decode() for answer in answers.values())
