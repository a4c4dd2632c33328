"""Values of every type go in as what they are, on each real database, and come back."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.errors import BadConfig, Refused
from steprunners.values.json_text import ExactFloat
from tests.servers.database_fixtures import Database

BIG = 2**53 + 1
UUID = "6f1c2c0e-54f5-4f6c-9a52-5d1f2b1f0f3c"
NOON = "2026-01-01T12:00:00+02:00"


def typed(kind: str, value: Any) -> dict[str, Any]:
    return {"type": kind, "value": value}


@pytest.mark.parametrize(
    ("query", "parameters", "value"),
    [
        ("SELECT pg_typeof(:x)::text", {"x": 1}, "smallint"),
        ("SELECT :x::bigint + 1", {"x": BIG}, str(BIG + 1)),
        ("SELECT pg_typeof(:x)::text", {"x": 1.5}, "double precision"),
        ("SELECT pg_typeof(:x)::text", {"x": True}, "boolean"),
        ("SELECT id FROM orders WHERE total = :x", {"x": "19.90"}, 1),
        ("SELECT id FROM orders WHERE total = :x", {"x": {"type": "decimal", "value": 19.9}}, 1),
        ("SELECT pg_typeof(:x)::text", {"x": {"type": "decimal", "value": "1"}}, "numeric"),
        ("SELECT pg_typeof(:x)::text", {"x": {"type": "uuid", "value": "6f1c2c0e-54f5-4f6c-9a52-5d1f2b1f0f3c"}},
         "uuid"),
        ("SELECT pg_typeof(:x)::text", {"x": {"type": "date", "value": "2024-01-01"}}, "date"),
        ("SELECT :x + interval '1 day'", {"x": {"type": "timestamp", "value": "2024-01-01T00:00:00Z"}},
         "2024-01-02T00:00:00+00:00"),
        ("SELECT pg_typeof(:x)::text", {"x": {"a": 1}}, "jsonb"),
        ("SELECT :x::jsonb -> 0", {"x": {"type": "json", "value": [{"a": None}]}}, {"a": None}),
        ("SELECT length(:x)", {"x": {"type": "bytes", "value": "AP8="}}, 2),
        ("SELECT count(*) FROM orders WHERE id = ANY(:x)", {"x": [1, 2, 9]}, 2),
        ("SELECT count(*) FROM orders WHERE status = ANY(:x)", {"x": ["PAID", "OPEN"]}, 3),
        ("SELECT coalesce(:x::text, 'none')", {"x": None}, "none"),
        ("SELECT :x::date", {"x": "2024-01-01"}, "2024-01-01"),
    ],
)  # fmt: skip
def test_parameters_of_postgresql(
    ask: Any, postgresql_database: Database, query: str, parameters: dict[str, Any], value: Any
) -> None:
    assert ask(postgresql_database, query, parameters) == [value]


#: What a parameter is: what comes back from PostgreSQL, MariaDB and SQLite.
ROUND_TRIPS: list[tuple[Any, Any, Any, Any]] = [
    (1, 1, 1, 1),
    (BIG, str(BIG), str(BIG), str(BIG)),
    (1.5, 1.5, 1.5, 1.5),
    (ExactFloat("1.50"), 1.5, 1.5, 1.5),
    (ExactFloat("0.12345678901234567890"), "0.12345678901234567890", "0.12345678901234567890", 0.12345678901234568),
    ("text", "text", "text", "text"),
    (None, None, None, None),
    (True, True, 1, 1),
    ({"a": [1]}, {"a": [1]}, '{"a":[1]}', '{"a":[1]}'),
    ([1, 2], [1, 2], "[1,2]", "[1,2]"),
    ([1, 2.5], [1, "2.5"], "[1,2.5]", "[1,2.5]"),
    ([[1, 2], [3, 4]], [[1, 2], [3, 4]], "[[1,2],[3,4]]", "[[1,2],[3,4]]"),
    ([typed("date", "2024-01-01"), typed("date", None)], ["2024-01-01", None], '["2024-01-01",null]',
     '["2024-01-01",null]'),
    ([{"a": 1}], [{"a": 1}], '[{"a":1}]', '[{"a":1}]'),
    (typed("text", "a"), "a", "a", "a"),
    (typed("text", 5), "5", "5", "5"),
    (typed("text", None), None, None, None),
    (typed("text", ["a", "b"]), ["a", "b"], '["a","b"]', '["a","b"]'),
    (typed("integer", "12"), 12, 12, 12),
    (typed("integer", -BIG), str(-BIG), str(-BIG), str(-BIG)),
    (typed("number", "1.5"), 1.5, 1.5, 1.5),
    (typed("decimal", "1.50"), "1.50", "1.50", 1.5),
    (typed("decimal", "1E+3"), 1000, 1000, 1000),
    (typed("decimal", "0.0000001"), "0.0000001", "0.0000001", 1e-07),
    (typed("decimal", ExactFloat("12.340")), "12.340", "12.340", 12.34),
    (typed("decimal", "12345678901234567890.12"), "12345678901234567890.12", "12345678901234567890.12",
     1.2345678901234567e19),
    (typed("boolean", "TRUE"), True, 1, 1),
    (typed("date", "2024-01-01"), "2024-01-01", "2024-01-01", "2024-01-01"),
    (typed("time", "12:30:00"), "12:30:00", "12:30:00", "12:30:00"),
    (typed("time", "01:30:00+02:00"), "01:30:00+02:00", "23:30:00", "23:30:00"),
    (typed("timestamp", "2026-01-01T12:00:00"), "2026-01-01T12:00:00", "2026-01-01 12:00:00", "2026-01-01 12:00:00"),
    (typed("timestamp", NOON), "2026-01-01T10:00:00+00:00", "2026-01-01 10:00:00", "2026-01-01 10:00:00"),
    (typed("timestamp", "2026-01-01T00:00:00.5Z"), "2026-01-01T00:00:00.5+00:00", "2026-01-01 00:00:00.500000",
     "2026-01-01 00:00:00.500000"),
    (typed("uuid", UUID.upper()), UUID, UUID, UUID),
    (typed("bytes", "AP8="), "AP8=", "AP8=", "AP8="),
    (typed("bytes", ["AP8="]), ["AP8="], '["AP8="]', '["AP8="]'),
    (typed("json", {"a": 1.0}), {"a": 1.0}, '{"a":1.0}', '{"a":1.0}'),
    (typed("json", [1]), [1], "[1]", "[1]"),
    (typed("json", "x"), "x", '"x"', '"x"'),
    (typed("json", None), None, "null", "null"),
    (typed("json", ExactFloat("0.12345678901234567890")), "0.12345678901234567890", "0.12345678901234567890",
     "0.12345678901234567890"),
    (typed("array", [1, 2]), [1, 2], "[1,2]", "[1,2]"),
    ({"type": "card", "value": 1}, {"type": "card", "value": 1}, '{"type":"card","value":1}',
     '{"type":"card","value":1}'),
]  # fmt: skip
_ENGINES = ["postgresql", "mariadb", "sqlite"]


@pytest.mark.parametrize("engine", range(3), ids=_ENGINES)
@pytest.mark.parametrize("trip", ROUND_TRIPS, ids=lambda trip: str(trip[0]))
def test_a_value_comes_back(
    ask: Any, request: pytest.FixtureRequest, engine: int, trip: tuple[Any, ...]
) -> None:
    database = request.getfixturevalue(f"{_ENGINES[engine]}_database")
    assert ask(database, "SELECT :x", {"x": trip[0]}) == [trip[1 + engine]]


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT CAST(:at AS DATETIME)", "2026-01-01T10:00:00"),
        ("SELECT CAST(:at AS TIME)", "10:00:00"),
        ("SELECT TIMESTAMP('2026-01-01 10:00:00') = :at", 1),
    ],
)
def test_times_with_an_offset_are_in_the_zone_of_mariadbs_session(
    ask: Any, mariadb_database: Database, query: str, value: Any
) -> None:
    assert ask(mariadb_database, query, {"at": typed("timestamp", NOON)}) == [value]


@pytest.mark.parametrize(
    "query", ["SELECT :x > 5", "SELECT :x = 10 + 2.5", "SELECT sum(1) < :x", "SELECT typeof(:x) = 'real'"]
)
def test_a_decimal_is_a_number_in_sqlite(ask: Any, sqlite_database: Database, query: str) -> None:
    assert ask(sqlite_database, query, {"x": typed("decimal", "12.50")}) == [1]


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
@pytest.mark.parametrize("kind", ["decimal", "number"])
@pytest.mark.parametrize("engine", ["mariadb", "sqlite"])
def test_what_is_no_number_of_the_database_is_refused(
    ask: Any, request: pytest.FixtureRequest, engine: str, kind: str, value: str
) -> None:
    with pytest.raises(BadConfig, match="no number"):
        ask(request.getfixturevalue(f"{engine}_database"), "SELECT :x", {"x": typed(kind, value)})


@pytest.mark.parametrize(
    ("name", "right"), [("int", "integer"), ("VARCHAR", "text"), ("datetime", "timestamp")]
)
def test_another_name_of_a_type_is_told(ask: Any, database: Database, name: str, right: str) -> None:
    with pytest.raises(BadConfig, match=f"parameters.x: the type is called {right}, not {name}"):
        ask(database, "SELECT :x", {"x": typed(name, 5)})


@pytest.mark.parametrize(
    ("query", "parameters", "value"),
    [
        ("SELECT jsonb_build_object('id', :id)", {"id": typed("text", "a")}, {"id": "a"}),
        ("SELECT jsonb_build_object('id', :id)", {"id": typed("text", None)}, {"id": None}),
        ("SELECT jsonb_build_object('id', :id)", {"id": typed("integer", 5)}, {"id": 5}),
        ("SELECT jsonb_build_array(:id, :b)", {"id": typed("uuid", UUID), "b": True}, [UUID, True]),
        ("SELECT pg_typeof(:x)::text", {"x": typed("decimal", None)}, "numeric"),
        ("SELECT :x IS NULL AND :x IS NULL", {"x": typed("decimal", None)}, True),
        ("SELECT pg_typeof(:x)::text", {"x": typed("timestamp", None)}, "timestamp with time zone"),
        ("SELECT :x || 'b'", {"x": typed("text", "a")}, "ab"),
    ],
)
def test_a_typed_value_needs_no_cast(
    ask: Any, postgresql_database: Database, query: str, parameters: dict[str, Any], value: Any
) -> None:
    assert ask(postgresql_database, query, parameters) == [value]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT jsonb_build_object('id', :id)",
        "SELECT json_build_array(:id)",
        "SELECT :id IS NULL",
        "SELECT array_agg(:id)",
        "SELECT to_char(:id, 'YYYY')",
        "SELECT to_jsonb(:id)",
    ],
)
@pytest.mark.parametrize("value", ["a", None])
def test_postgresql_asks_for_a_type(ask: Any, postgresql_database: Database, query: str, value: Any) -> None:
    with pytest.raises(
        Refused, match=r"Give the type of the parameter: parameters: \{id: \{type: text, value: …\}\}"
    ):
        ask(postgresql_database, query, {"id": value})


@pytest.mark.parametrize(
    ("condition", "value", "count"),
    [
        ("(:s IS NULL OR status = :s)", typed("text", None), 3),
        ("(:s IS NULL OR status = :s)", typed("text", "PAID"), 1),
        ("(:s IS NULL OR id = :s)", typed("integer", None), 3),
        ("(status = :s OR :s IS NULL)", None, 3),
        ("(status = :s OR :s IS NULL)", "PAID", 1),
    ],
)
def test_a_parameter_can_stand_twice_where_its_type_is_known(
    rows_of: Any, postgresql_database: Database, condition: str, value: Any, count: int
) -> None:
    query = f"SELECT id FROM orders WHERE {condition}"  # noqa: S608
    assert len(rows_of(postgresql_database, query, {"s": value})) == count


def test_the_right_parameter_is_named(ask: Any, postgresql_database: Database) -> None:
    with pytest.raises(Refused, match=r"could not determine data type of parameter :größe\b.*\{größe: "):
        ask(postgresql_database, "SELECT :a + 1, jsonb_build_object('g', :größe)", {"a": 1, "größe": "x"})
    with pytest.raises(Refused, match=r"type of parameter :s .*\{s: \{type: text"):
        ask(
            postgresql_database,
            "SELECT :a + 1 FROM orders WHERE :s IS NULL OR status = :s",
            {"a": 1, "s": "x"},
        )
