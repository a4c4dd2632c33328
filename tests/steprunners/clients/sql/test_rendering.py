"""Lists as parameters: `IN (…)` with one placeholder for each value, on each real database."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.clients.sql.rendering import MAX_LISTED
from steprunners.errors import BadConfig, Refused
from tests.servers.database_fixtures import Database

FIND = "SELECT id FROM orders WHERE {} ORDER BY id"
MANY = list(range(1, MAX_LISTED))


@pytest.mark.parametrize(
    ("condition", "parameters", "ids"),
    [
        ("id IN (:ids)", {"ids": [1, 2]}, [1, 2]),
        ("id IN (:ids)", {"ids": [3]}, [3]),
        ("id IN (:ids)", {"ids": 3}, [3]),
        ("id IN (:ids)", {"ids": []}, []),
        ("id IN (:ids)", {"ids": [None]}, []),
        ("id IN (:ids)", {"ids": ["1", "2"]}, [1, 2]),
        ("id IN (:ids)", {"ids": MANY}, [1, 2, 3]),
        ("id in( /* these: */ :ids -- ids\n )", {"ids": [1, 2]}, [1, 2]),
        ("id IN :ids", {"ids": [1, 2]}, [1, 2]),
        ("id NOT IN :ids", {"ids": []}, [1, 2, 3]),
        ("id NOT IN (:ids)", {"ids": [1, 2]}, [3]),
        ("id NOT IN (:ids)", {"ids": []}, [1, 2, 3]),
        ("total NOT IN (:ids)", {"ids": []}, [1, 2, 3]),
        ("id NOT /* at all */ IN (:ids)", {"ids": []}, [1, 2, 3]),
        ("NOT id IN (:ids)", {"ids": []}, [1, 2, 3]),
        ("NOT (id IN (:ids) OR id = 1)", {"ids": []}, [2, 3]),
        ("id IN (3, :ids)", {"ids": [1, 2]}, [1, 2, 3]),
        ("id IN (3, :ids)", {"ids": []}, [3]),
        ("id IN (:ids, :more, :one)", {"ids": [1], "more": [], "one": 2}, [1, 2]),
        ("id IN (:ids) AND id NOT IN (:ids2)", {"ids": [1, 2], "ids2": [2]}, [1]),
        ("id IN (:ids) OR id IN (:ids)", {"ids": [1, 2]}, [1, 2]),
        ("id IN (CAST(:ids AS DECIMAL))", {"ids": ["1", "2"]}, [1, 2]),
        ("id IN (SELECT id FROM orders WHERE status IN (:states))", {"states": ["OPEN", "x"]}, [2, 3]),
        ("status IN (:states)", {"states": ["PAID", "it's", "%s", ":x"]}, [1]),
        ("status IN (:states)", {"states": {"type": "text", "value": ["PAID"]}}, [1]),
        ("status IN (:states)", {"states": []}, []),
        ("total IN (:totals)", {"totals": [19.9, 5]}, [1, 2]),
        ("total IN (:totals)", {"totals": {"type": "decimal", "value": ["19.90", 5]}}, [1, 2]),
        ("total IN (:totals)", {"totals": [{"type": "decimal", "value": "19.9"}, "5"]}, [1, 2]),
        ("total IN (:totals)", {"totals": {"type": "array", "value": [5]}}, [2]),
        ("(id, status) IN (:pairs)", {"pairs": [[1, "PAID"], [2, "PAID"]]}, [1]),
        ("(id, status) NOT IN (:pairs)", {"pairs": [[1, "PAID"]]}, [2, 3]),
        ("(id, status) IN (:pairs)", {"pairs": []}, []),
        ("(id, status) NOT IN (:pairs)", {"pairs": []}, [1, 2, 3]),
        ("id > 0 AND (id, status) NOT IN (:pairs)", {"pairs": []}, [1, 2, 3]),
        ("coalesce(id, 1) NOT IN (:ids)", {"ids": []}, [1, 2, 3]),
        ("id IN (1, 2) AND id = :id", {"id": 2}, [2]),
    ],
)
def test_a_list_is_expanded(
    rows_of: Any, database: Database, condition: str, parameters: dict[str, Any], ids: list[int]
) -> None:
    rows = rows_of(database, FIND.format(condition), parameters)

    assert rows == [[number] for number in ids]


@pytest.mark.parametrize(
    ("condition", "parameters", "ids"),
    [
        ("id = ANY(:ids)", {"ids": [1, 2]}, [1, 2]),
        ("id = ANY(:ids)", {"ids": []}, []),
        ("id <> ALL(:ids)", {"ids": []}, [1, 2, 3]),
        ("total = ANY(:totals)", {"totals": [19.9, 5]}, [1, 2]),
        ("id IN (:ids::int)", {"ids": ["1", "2"]}, [1, 2]),
        ("id = (:ids)[2]", {"ids": [1, 2]}, [2]),
        ("status LIKE ANY (:patterns)", {"patterns": ["P%"]}, [1]),
        ("id IN (SELECT unnest(:ids))", {"ids": [1, 2]}, [1, 2]),
        ("DATE '2024-01-01' + id IN (:days)", {"days": {"type": "date", "value": ["2024-01-03"]}}, [2]),
        ("DATE '2024-01-01' + id IN (:days)", {"days": ["2024-01-03"]}, [2]),
        ("DATE '2024-01-01' + id IN (:days)", {"days": []}, []),
        (":a IN (:ids)", {"a": "x", "ids": []}, []),
        (":a IN (:ids)", {"a": "x", "ids": ["x"]}, [1, 2, 3]),
        ("true IN (:ids)", {"ids": []}, []),
        ("id IN (:ids) AND cardinality(:ids) = 2", {"ids": [1, 2]}, [1, 2]),
        ("to_jsonb(status) IN (:docs)", {"docs": [{"type": "json", "value": "PAID"}, {"a": 1}]}, [1]),
        ("to_jsonb(status) NOT IN (:docs)", {"docs": []}, [1, 2, 3]),
        ("position(:part IN :whole) = id", {"part": "b", "whole": "abc"}, [2]),
    ],
)
def test_postgresql_has_arrays(
    rows_of: Any, postgresql_database: Database, condition: str, parameters: dict[str, Any], ids: list[int]
) -> None:
    rows = rows_of(postgresql_database, FIND.format(condition), parameters)

    assert rows == [[number] for number in ids]


@pytest.mark.parametrize("engine", ["mariadb", "sqlite"])
@pytest.mark.parametrize(
    "condition",
    ["id = :ids", "id <> :ids", "id > :ids", ":ids = id", "id = ANY(:ids)", "id LIKE :ids", "id IN (:ids || 'x')",
     "id BETWEEN 1 AND :ids", "id IS :ids", "id + :ids > 1", "id IN (1, :ids + 1)", "id IN ((:ids))",
     "status IN (lower(:ids))", "id IN (1, coalesce(NULL, :ids))", "status = lower(:ids)", "id = ((:ids))",
     "id IN (SELECT id FROM orders WHERE status = upper(:ids))"],
)  # fmt: skip
def test_a_list_cannot_be_compared_with(
    rows_of: Any, request: pytest.FixtureRequest, engine: str, condition: str
) -> None:
    database = request.getfixturevalue(f"{engine}_database")
    with pytest.raises(BadConfig, match=r"parameters\.ids is a list.* write IN \(:ids\)"):
        rows_of(database, FIND.format(condition), {"ids": [1, 2]})


@pytest.mark.parametrize("operator", ["=", "<>", "LIKE"])
def test_postgresql_refuses_a_list_in_the_place_of_a_number(
    rows_of: Any, postgresql_database: Database, operator: str
) -> None:
    with pytest.raises(Refused, match="operator does not exist"):
        rows_of(postgresql_database, FIND.format(f"id {operator} :ids"), {"ids": [1, 2]})


def test_a_list_is_json_text_where_nothing_is_compared(
    rows_of: Any, sqlite_database: Database, mariadb_database: Database
) -> None:
    query = "SELECT id FROM orders WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY id"
    assert rows_of(sqlite_database, query, {"ids": [1, 2]}) == [[1], [2]]

    query = "SELECT id FROM orders WHERE {} ORDER BY id"
    for condition in ("JSON_CONTAINS(:ids, id)", "id IN (JSON_VALUE((:ids), '$[0]'), 2)"):
        assert rows_of(mariadb_database, query.format(condition), {"ids": [1, 2]}) == [[1], [2]]

    sqlite_database.run("CREATE TABLE docs (id integer PRIMARY KEY, doc text)")
    rows_of(sqlite_database, "INSERT INTO docs VALUES (1, :doc)", {"doc": [1]}, read_only=False)
    update = "UPDATE docs SET doc = coalesce(:doc, doc) WHERE id = 1"
    rows_of(sqlite_database, update, {"doc": [2]}, read_only=False)
    assert rows_of(sqlite_database, "SELECT :x ->> '$[0]', doc FROM docs", {"x": [7]}) == [[7, "[2]"]]
    sqlite_database.run("DROP TABLE docs")


def test_too_many_values_are_refused(rows_of: Any, database: Database) -> None:
    with pytest.raises(BadConfig, match=r"parameters\.ids: IN \(…\) takes at most 10,000 values"):
        rows_of(database, "SELECT id FROM orders WHERE id IN (:ids)", {"ids": list(range(MAX_LISTED + 1))})
