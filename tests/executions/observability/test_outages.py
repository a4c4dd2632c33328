"""Tests of `outages`: what is an outage and what is a fault, by the errors that drivers raise."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis
from django.db import IntegrityError, InterfaceError, OperationalError, ProgrammingError
from django.db.transaction import TransactionManagementError
from kombu.exceptions import OperationalError as BrokerError
from psycopg_pool import PoolTimeout

from executions.observability.outages import is_outage


def of_state(state: str) -> psycopg.Error:
    return psycopg.errors.lookup(state)("as the server says it")


@pytest.mark.parametrize(
    "state",
    [
        *("08006", "53100", "53200", "53300", "57P01", "57P02", "57P03", "57014", "58030"),
        *("25006", "55P03", "40P01", "40001", "28P01", "3D000"),
    ],
)
def test_what_the_server_says_in_an_outage(state: str) -> None:
    assert is_outage(of_state(state))


@pytest.mark.parametrize("state", ["42P01", "42601", "42703", "22001", "23505", "25P02", "42501", "54000"])
def test_what_it_says_of_a_fault(state: str) -> None:
    assert not is_outage(of_state(state))


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("connection refused"),
        PoolTimeout("couldn't get a connection after 3 sec"),
        psycopg.InterfaceError("the connection is closed"),
        BrokerError("away"),
        redis.ConnectionError("away"),
        redis.TimeoutError("away"),
        redis.exceptions.OutOfMemoryError("OOM command not allowed"),
        *(OSError(number, os.strerror(number)) for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE)),
        FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
    ],
)  # fmt: skip
def test_nobody_answers_or_nothing_is_left(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.InterfaceError("the cursor is closed"),
        psycopg.ProgrammingError("the query has 1 placeholder but 0 parameters were passed"),
        redis.ResponseError("WRONGTYPE"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        OperationalError("of nobody's"),
        ValueError("disk is full"),
    ],
)
def test_faults(error: Exception) -> None:
    assert not is_outage(error)


def full(path: Path) -> None:
    file = sqlite3.connect(path)
    file.execute("PRAGMA max_page_count = 2")
    file.execute("CREATE TABLE t (a)")
    file.execute("INSERT INTO t VALUES (?)", ["x" * 100_000])


def locked(path: Path) -> None:
    one, other = (sqlite3.connect(path, timeout=0, isolation_level=None) for _ in range(2))
    one.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")


def not_to_be_opened(path: Path) -> None:
    sqlite3.connect(path / "no" / "such" / "folder").execute("SELECT 1")


def read_only(path: Path) -> None:
    sqlite3.connect(path).execute("CREATE TABLE t (a)")
    sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("INSERT INTO t VALUES (1)")


def no_database(path: Path) -> None:
    path.write_text("nonsense " * 1_000)
    sqlite3.connect(path).execute("SELECT * FROM t")


@pytest.mark.parametrize("way", [full, locked, not_to_be_opened, read_only, no_database])
def test_sqlite_in_an_outage(way: Callable[[Path], None], tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error) as caught:
        way(tmp_path / "file")
    assert is_outage(caught.value)


@pytest.mark.parametrize("statement", ["SELECT * FROM none", "SELECT (", "SELECT ?"])
def test_sqlite_of_a_fault(statement: str) -> None:
    with pytest.raises(sqlite3.Error) as caught:
        sqlite3.connect(":memory:").execute(statement)
    assert not is_outage(caught.value)


def wrapped(outer: Exception, cause: Exception) -> Exception:
    try:
        raise outer from cause
    except Exception as error:
        return error


def hidden(outer: Exception, cause: Exception) -> Exception:
    try:
        try:
            raise cause
        except Exception:
            raise outer  # noqa: B904  # as sessions do
    except Exception as error:
        return error


@pytest.mark.parametrize("way", [wrapped, hidden])
def test_what_an_error_came_of_counts(way: Callable[[Exception, Exception], Exception]) -> None:
    away, fault = of_state("57P01"), of_state("42P01")
    assert is_outage(way(OperationalError("wrapped by Django"), away))
    assert is_outage(way(InterfaceError("wrapped by Django"), psycopg.InterfaceError("connection is closed")))
    assert is_outage(way(TransactionManagementError("afterwards"), way(OperationalError("x"), away)))
    assert not is_outage(way(ProgrammingError("wrapped by Django"), fault))
    assert not is_outage(way(IntegrityError("wrapped by Django"), of_state("23505")))
