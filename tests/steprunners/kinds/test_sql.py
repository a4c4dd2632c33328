"""The sql step on real databases: rows, parameters, reading only, writing, cutting, the end at the deadline."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from steprunners.assertions.evaluation import evaluate_all
from steprunners.clients.sql.connection import SqlConnection
from steprunners.errors import (
    AddressRefused,
    BadConfig,
    Cancelled,
    ConnectionFailed,
    DeadlineExceeded,
    Refused,
    StepError,
)
from steprunners.kinds.sql import SqlConfig, SqlRunner
from steprunners.network import NetworkPolicy
from tests.servers.database_fixtures import Database
from tests.steprunners.conftest import MakeContext

SLOW = {
    "postgresql": "SELECT pg_sleep(100)",
    "mariadb": "SELECT sleep(100)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
}
COUNTING = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
    "SELECT a.i FROM n a, n b, n c"
)


class Step:
    """Runs sql steps on one database."""

    def __init__(self, make_context: MakeContext, connection: SqlConnection, folder: Path) -> None:
        self.make_context = make_context
        self.connection = connection
        self.network = NetworkPolicy(allowed=("127.0.0.0/8", "localhost"), sqlite_folder=str(folder))

    def context(self, seconds: float = 10.0) -> Any:
        return self.make_context(seconds, connection=self.connection, network=self.network)

    def __call__(self, query: str, seconds: float = 10.0, **meta: Any) -> dict[str, Any]:
        config = SqlConfig.model_validate({"resourceId": "db", "query": query, **meta})
        return SqlRunner().run(config, self.context(seconds)).result


@pytest.fixture
def step(database: Database, make_context: MakeContext, sqlite_folder: Path) -> Step:
    return Step(make_context, database.connection, sqlite_folder)


@pytest.fixture
def engine(step: Step) -> str:
    return step.connection.engine


def test_rows_come_as_objects(step: Step) -> None:
    result = step("SELECT id, status FROM orders WHERE id < :limit ORDER BY id", parameters={"limit": 3})

    assert result["rows"] == [{"id": 1, "status": "PAID"}, {"id": 2, "status": "OPEN"}]
    assert (result["rowCount"], result["columns"], result["rowsTruncated"]) == (2, ["id", "status"], False)
    assert "affectedRows" not in result


def test_no_rows_have_columns_too(step: Step) -> None:
    result = step("SELECT id, total FROM orders WHERE id = :id", parameters={"id": 99})

    assert (result["rows"], result["columns"]) == ([], ["id", "total"])


def test_columns_of_one_name_are_told_apart(step: Step) -> None:
    result = step("SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a")

    assert result["rows"] == [{"a": 1, "a_3": 2, "a_2": 3, "a_4": 4}] or result["columns"][0] == "a"
    assert len(set(result["columns"])) == 4


@pytest.mark.parametrize("value", ["it's", '"; DROP TABLE orders --', "100% %s :x ☕", "back\\slash'", ""])
def test_a_parameter_comes_back_whole(step: Step, engine: str, value: str) -> None:
    cast = {"postgresql": ":x::text", "mariadb": ":x", "sqlite": ":x"}[engine]
    result = step(f"SELECT {cast} AS x, '%' AS percent, ':x' AS colon", parameters={"x": value})

    assert result["rows"] == [{"x": value, "percent": "%", "colon": ":x"}]


def test_a_parameter_can_stand_twice(step: Step) -> None:
    query = "SELECT id FROM orders WHERE status = :s OR (status <> :s AND id = :id) ORDER BY id"

    assert [row["id"] for row in step(query, parameters={"s": "PAID", "id": 3})["rows"]] == [1, 3]


@pytest.mark.parametrize(
    ("parameters", "told"), [({}, "no 'id'"), ({"id": 1, "ID": 2}, "parameters.ID is not used")]
)
def test_parameters_must_be_those_of_the_query(step: Step, parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(BadConfig, match=told):
        step("SELECT id FROM orders WHERE id = :id", parameters=parameters)


def test_a_typed_parameter_that_does_not_fit_is_told(step: Step) -> None:
    with pytest.raises(BadConfig, match=r"parameters\.x is not of type uuid"):
        step("SELECT :x", parameters={"x": {"type": "uuid", "value": "no"}})


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO orders VALUES (4, 'NEW', 1)",
        "UPDATE orders SET status = 'NEW'",
        "DELETE FROM orders",
        "DROP TABLE orders",
        "CREATE TABLE other (id integer)",
        "WITH x AS (SELECT 1) DELETE FROM orders",
    ],
)
def test_reading_only_changes_nothing(step: Step, database: Database, query: str) -> None:
    with pytest.raises(Refused, match="readOnly"):
        step(query)

    assert database.run("SELECT status FROM orders ORDER BY id") == [("PAID",), ("OPEN",), ("OPEN",)]


@pytest.mark.parametrize(
    "query", ["COMMIT", "BEGIN", "ROLLBACK", "SET x = 1", "/* hi */ start transaction", "LOCK TABLE orders"]
)
@pytest.mark.parametrize("read_only", [True, False])
def test_no_statement_leaves_its_transaction(step: Step, query: str, read_only: bool) -> None:
    with pytest.raises(Refused, match="of its own"):
        step(query, readOnly=read_only)


def test_a_second_statement_is_refused(step: Step, database: Database) -> None:
    with pytest.raises(BadConfig, match="more than one"):
        step("SELECT 1; COMMIT; DELETE FROM orders")

    assert database.run("SELECT count(*) FROM orders") == [(3,)]


def test_writing_is_committed_and_counted(step: Step, database: Database) -> None:
    result = step("UPDATE orders SET status = :s WHERE id > 1", readOnly=False, parameters={"s": "DONE"})

    assert (result["affectedRows"], result["rows"], result["columns"]) == (2, [], [])
    assert database.run("SELECT count(*) FROM orders WHERE status = 'DONE'") == [(2,)]


def test_writing_can_return_rows(step: Step, database: Database) -> None:
    query = "INSERT INTO orders VALUES (4, 'A', 1), (5, 'B', 2), (6, 'C', 3) RETURNING id"
    result = step(query, readOnly=False, maxRows=2)

    assert result["rows"] == [{"id": 4}, {"id": 5}]
    assert (result["affectedRows"], result["rowsTruncated"]) == (3, True)
    assert database.run("SELECT count(*) FROM orders") == [(6,)]


def test_a_refused_write_is_rolled_back(step: Step, database: Database) -> None:
    with pytest.raises(Refused, match=r"(?i)duplicate|unique"):
        step("INSERT INTO orders VALUES (9, 'A', 1), (1, 'B', 2)", readOnly=False)

    assert database.run("SELECT count(*) FROM orders") == [(3,)]
    assert step("SELECT count(*) AS n FROM orders")["rows"] == [{"n": 3}]


def test_rows_are_cut(step: Step) -> None:
    result = step(COUNTING, maxRows=10)  # to the last of its thousand million rows it would take minutes

    assert (len(result["rows"]), result["rowCount"], result["rowsTruncated"]) == (10, 10, True)
    assert step("SELECT 1 AS one")["rows"] == [{"one": 1}]  # the connection, or its successor, is usable


def test_exactly_as_many_rows_are_not_cut(step: Step) -> None:
    assert step("SELECT id FROM orders", maxRows=3)["rowsTruncated"] is False


def test_too_many_bytes_are_refused(step: Step) -> None:
    step.network = NetworkPolicy(
        step.network.allowed, max_body_bytes=500, sqlite_folder=step.network.sqlite_folder
    )

    with pytest.raises(StepError, match="more than 500 bytes") as caught:
        step(COUNTING)
    assert caught.value.code == "response_too_large"


def test_too_many_returned_bytes_undo_the_write(step: Step, database: Database) -> None:
    step.network = NetworkPolicy(
        step.network.allowed, max_body_bytes=500, sqlite_folder=step.network.sqlite_folder
    )
    values = ", ".join(f"({number}, '{'x' * 9}', 1)" for number in range(100, 400))
    query = f"INSERT INTO orders VALUES {values} RETURNING id, status"  # noqa: S608  # of constants

    with pytest.raises(StepError, match="more than 500 bytes"):
        step(query, readOnly=False)
    assert database.run("SELECT count(*) FROM orders") == [(3,)]
    assert step("SELECT 1 AS one")["rows"] == [{"one": 1}]


def test_a_mistake_is_told(step: Step) -> None:
    with pytest.raises(Refused, match="no_such_thing"):
        step("SELECT * FROM no_such_thing")
    with pytest.raises(Refused, match=r"(?i)syntax"):
        step("SELECT id FORM orders x y")


def test_the_deadline_ends_it(step: Step, engine: str) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        step(SLOW[engine], seconds=0.4)
    assert time.monotonic() - started < 30
    assert step("SELECT 1 AS one")["rows"] == [{"one": 1}]


def test_cancel_ends_it(step: Step, engine: str) -> None:
    context = step.context(90)
    config = SqlConfig.model_validate({"resourceId": "db", "query": SLOW[engine]})
    threading.Timer(0.3, context.cancellation.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        SqlRunner().run(config, context)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("meta", "passed"),
    [
        ({"expectedRowCount": 3}, True),
        ({"expectedRowCount": 2}, False),
        ({"expectedRowCount": 2, "maxRows": 2}, False),
        ({"expectedColumns": ["id"]}, True),
        ({"expectedColumns": ["id", "status"]}, False),
    ],
)
def test_expectations(step: Step, meta: dict[str, Any], passed: bool) -> None:
    config = SqlConfig.model_validate({"resourceId": "db", "query": "SELECT id FROM orders", **meta})
    result = SqlRunner().run(config, step.context()).result
    judged = evaluate_all(SqlRunner().expectations(config, frozenset()), result)

    assert all(each.passed for each in judged) is passed


def test_more_than_max_rows_cannot_be_expected() -> None:
    with pytest.raises(ValueError, match="more than maxRows"):
        SqlConfig.model_validate(
            {"resourceId": "x", "query": "SELECT 1", "maxRows": 1, "expectedRowCount": 2}
        )


def test_sqlite_stays_in_its_folder(
    make_context: MakeContext, sqlite_database: Database, tmp_path: Path
) -> None:
    other = tmp_path / "other.sqlite3"
    other.touch()
    for folder, database, error in [
        (tmp_path / "sub", "../other.sqlite3", AddressRefused),
        (tmp_path / "sub", str(other), AddressRefused),
        (tmp_path, "missing.sqlite3", ConnectionFailed),
    ]:
        connection = SqlConnection(engine="sqlite", database=database)
        with pytest.raises(error):
            Step(make_context, connection, folder)("SELECT 1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link").symlink_to(other)
    with pytest.raises(AddressRefused):
        Step(make_context, SqlConnection(engine="sqlite", database="link"), tmp_path / "sub")("SELECT 1")
    no_folder = make_context(connection=sqlite_database.connection)
    with pytest.raises(AddressRefused, match="SQLITE_FOLDER"):
        SqlRunner().run(SqlConfig(resource_id="x", query="SELECT 1"), no_folder)


@pytest.mark.parametrize("query", ["EXPLAIN SELECT 1", "SELECT load_extension('x')", "SELECT 'a' REGEXP 'a'"])
def test_sqlite_has_no_way_out(
    make_context: MakeContext, sqlite_database: Database, sqlite_folder: Path, query: str
) -> None:
    step = Step(make_context, sqlite_database.connection, sqlite_folder)
    if query.startswith("EXPLAIN"):
        assert step(query)["rowCount"] > 0
        return
    with pytest.raises(Refused):
        step(query)
