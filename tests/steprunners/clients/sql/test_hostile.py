"""Hostile statements and values: what the user sees is an error in words, in time, and nothing is changed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from steprunners.clients.sql.running import Request, run_statement
from steprunners.errors import DeadlineExceeded, StepError
from steprunners.network import Call, NetworkPolicy
from tests.servers.database_fixtures import Database
from tests.steprunners.conftest import MakeContext


@pytest.fixture
def run(make_context: MakeContext, sqlite_folder: Path) -> Any:
    def run(database: Database, query: str, parameters: dict[str, Any] | None = None, **more: Any) -> Any:
        context = make_context(more.pop("seconds", 60.0))
        policy = NetworkPolicy(("127.0.0.0/8",), sqlite_folder=str(sqlite_folder))
        asked = Request(
            **{"max_rows": 10, "read_only": True, **more}, query=query, parameters=parameters or {}
        )
        return run_statement(
            database.connection, asked, Call(policy, context.deadline, context.cancellation)
        ).rows

    return run


@pytest.mark.parametrize(
    "query",
    [
        "COPY orders TO PROGRAM 'touch /tmp/x'",
        "DO $$ BEGIN DELETE FROM orders; COMMIT; END $$",
        "EXPLAIN ANALYZE DELETE FROM orders",
        "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
        "SELECT * INTO other FROM orders",
        "SELECT $1",
        "SELECT 1 WHERE 1 = $$x$$",
        "SELECT '\x00'",
        "SELECT '\ud800'",
        "SELECT lo_import('/etc/passwd')",
        "PREPARE x AS DELETE FROM orders",
        "EXECUTE x",
        "CALL nothing()",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "FETCH ALL FROM x",
        "NOTIFY x",
    ],
)
def test_postgresql(run: Any, postgresql_database: Database, query: str) -> None:
    with pytest.raises(StepError) as caught:
        run(postgresql_database, query)
    assert caught.value.code in ("refused", "bad_config", "connection_failed")
    assert postgresql_database.run("SELECT count(*) FROM orders") == [(3,)]
    assert run(postgresql_database, "SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize(
    "query",
    [
        "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE orders",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE orders",
        "SELECT 'x' INTO OUTFILE '/tmp/asynctester-outfile'",
        "SELECT 1 /*! ; DROP TABLE orders */",
        "HANDLER orders OPEN",
        "CALL nothing()",
        "DO SLEEP(0)",
        "KILL 1",
        "SELECT '\ud800'",
        "SELECT * FROM orders PROCEDURE ANALYSE(10, 1); DELETE FROM orders",
        "GRANT ALL ON *.* TO x",
        "ANALYZE DELETE FROM orders",
        "EXPLAIN FORMAT=JSON DELETE",
    ],
)
def test_mariadb(run: Any, mariadb_database: Database, query: str) -> None:
    with pytest.raises(StepError) as caught:
        run(mariadb_database, query)
    assert caught.value.code in ("refused", "bad_config")
    assert mariadb_database.run("SELECT count(*) FROM orders") == [(3,)]
    assert run(mariadb_database, "SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH '/tmp/other.sqlite3' AS other",
        "PRAGMA query_only = 0",
        "SELECT * FROM pragma_database_list",
        "SELECT writefile('/tmp/x', 'x')",
        "SELECT ?",
        "SELECT @x",
        "SELECT zeroblob(1000000000)",
        "SELECT '\ud800'",
        "VACUUM INTO '/tmp/x.sqlite3'",
        "EXPLAIN",
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_sqlite(run: Any, sqlite_database: Database, query: str, read_only: bool) -> None:
    with pytest.raises(StepError) as caught:
        run(sqlite_database, query, read_only=read_only)
    assert caught.value.code in ("refused", "bad_config")
    assert sqlite_database.run("SELECT count(*) FROM orders") == [(3,)]


@pytest.mark.parametrize(
    "value",
    [
        "\x00", "\ud800", 10**400, -(10**40), {"type": "integer", "value": "1" * 5000}, [1, "a"], [[1], [2, 3]],
        [{"a": 1}], {"type": "bytes", "value": "*"}, {"type": "timestamp", "value": "yesterday"},
        {"type": "decimal", "value": "1e999999999"}, {"type": "array", "value": 1}, "x" * 1_000_000,
    ],
)  # fmt: skip
def test_values(run: Any, database: Database, value: Any) -> None:
    started = time.monotonic()
    try:
        rows = run(database, "SELECT count(*) AS n FROM orders WHERE status = :x", {"x": value})
    except StepError as error:
        assert error.code in ("refused", "bad_config")  # noqa: PT017 - either is fine, so nothing is awaited
    else:
        assert rows == [{"n": 0}]
    assert time.monotonic() - started < 50


@pytest.mark.parametrize("query", ["(" * 50_000, "SELECT " + "(" * 20_000 + "1" + ")" * 20_000, "'" * 99_999])
def test_deep_and_long_statements(run: Any, database: Database, query: str) -> None:
    started = time.monotonic()
    try:
        assert run(database, query) != []
    except StepError as error:
        assert error.code in ("refused", "bad_config")  # noqa: PT017 - either is fine
    assert time.monotonic() - started < 50


def test_one_huge_value_is_refused(run: Any, mariadb_database: Database, sqlite_database: Database) -> None:
    for database in (mariadb_database, sqlite_database):
        query = {"mariadb": "SELECT repeat('x', 12000000)", "sqlite": "SELECT hex(zeroblob(6000000))"}
        with pytest.raises(StepError, match=r"larger|more than|too big"):
            run(database, query[database.connection.engine])


def test_a_lock_is_waited_for_until_the_deadline(
    run: Any, postgresql_database: Database, mariadb_database: Database
) -> None:
    for database in (postgresql_database, mariadb_database):
        raw = database.open()
        cursor = raw.cursor()
        cursor.execute("BEGIN")
        cursor.execute("UPDATE orders SET status = 'HELD'")
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            run(database, "UPDATE orders SET status = 'MINE'", read_only=False, seconds=0.5)
        assert time.monotonic() - started < 50
        cursor.execute("ROLLBACK")
        raw.close()
        assert run(database, "SELECT count(*) AS n FROM orders WHERE status = 'MINE'") == [{"n": 0}]
