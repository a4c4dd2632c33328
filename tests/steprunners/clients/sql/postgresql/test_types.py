"""Every type of PostgreSQL comes in a JSON form of its own, never as PostgreSQL's text of a list or a row."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.clients.sql.pool import close_engines
from steprunners.errors import Refused
from tests.servers.database_fixtures import Database

_TYPES = (
    "DROP SCHEMA IF EXISTS kinds CASCADE",
    "CREATE SCHEMA kinds",
    "SET search_path = kinds, public",
    "CREATE TYPE st AS ENUM ('NEW', 'a b', 'c\"d')",
    "CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%')",
    "CREATE DOMAIN amount AS numeric(10, 2)",
    "CREATE DOMAIN numbers AS int[]",
    "CREATE TYPE pair AS (n int, s text)",
    "CREATE DOMAIN odd_pair AS pair",
    "CREATE TYPE one AS (a text)",
    "CREATE TYPE none AS ()",
    "CREATE TYPE deep AS (p pair, ps pair[], st st, sts st[], mail email, total amount, at timestamptz, "
    "raw bytea, doc jsonb, span int4range, numbers numbers, odd odd_pair)",
    "CREATE TYPE textrange AS RANGE (subtype = text)",
    "CREATE TYPE amountrange AS RANGE (subtype = amount)",
    "CREATE TABLE kept (id int, gone int, s st)",
    "ALTER TABLE kept DROP COLUMN gone",
    "INSERT INTO kept VALUES (1, 'NEW')",
)


@pytest.fixture(scope="module")
def typed(postgresql_server: Database) -> Database:
    """PostgreSQL with types of every kind in the schema `kinds`."""
    postgresql_server.run(*_TYPES)
    return postgresql_server


def span(lower: Any, upper: Any, edges: str = "[)", *, empty: bool = False) -> dict[str, Any]:
    return {
        "lower": lower,
        "upper": upper,
        "lowerInclusive": edges[0] == "[",
        "upperInclusive": edges[1] == "]",
        "empty": empty,
    }


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'NEW'::kinds.st", "NEW"),
        ("ARRAY['NEW', NULL, 'a b', 'c\"d']::kinds.st[]", ["NEW", None, "a b", 'c"d']),
        ("ARRAY[]::kinds.st[]", []),
        ("NULL::kinds.st[]", None),
        ("'a@b'::kinds.email", "a@b"),
        ("ARRAY['a@b', 'c@d,e']::kinds.email[]", ["a@b", "c@d,e"]),
        ("ARRAY[1, 2.5]::kinds.amount[]", ["1.00", "2.50"]),
        ("'{1,2}'::kinds.numbers", [1, 2]),
        ("'{\"{1,2}\",\"{}\"}'::kinds.numbers[]", [[1, 2], []]),
        ("ROW(1, 'x y')::kinds.pair", {"n": 1, "s": "x y"}),
        ("ROW(NULL, NULL)::kinds.pair", {"n": None, "s": None}),
        ("ROW(NULL, '')::kinds.pair", {"n": None, "s": ""}),
        ("NULL::kinds.pair", None),
        ("ROW(1, '\"(\\,')::kinds.pair", {"n": 1, "s": '"(\\,'}),
        ("ROW(1, 'x')::kinds.odd_pair", {"n": 1, "s": "x"}),
        ("ARRAY[ROW(1, 'x')::kinds.pair, NULL]", [{"n": 1, "s": "x"}, None]),
        ("ARRAY[ROW(1, 'x')::kinds.odd_pair]", [{"n": 1, "s": "x"}]),
        ("ROW(NULL)::kinds.one", {"a": None}),
        ("ROW('')::kinds.one", {"a": ""}),
        ("ROW()::kinds.none", {}),
        ("kept FROM kinds.kept", {"id": 1, "s": "NEW"}),
        ("ARRAY(SELECT kept FROM kinds.kept)", [{"id": 1, "s": "NEW"}]),
        ("'[\"a b\",c)'::kinds.textrange", span("a b", "c")),
        ("'[1,2]'::kinds.amountrange", span("1.00", "2.00", "[]")),
        ("'{[a,b),(c,d]}'::kinds.textmultirange", [span("a", "b"), span("c", "d", "(]")]),
        ("'[1,5)'::int4range", span(1, 5)),
        ("'(,5]'::int8range", span(None, 6, "()")),
        ("'empty'::int4range", span(None, None, "()", empty=True)),
        ("'(0.5,1.50]'::numrange", span("0.5", "1.50", "(]")),
        ("'[2024-01-01,infinity)'::daterange", span("2024-01-01", "infinity")),
        ("'[2024-01-01 10:00,)'::tsrange", span("2024-01-01T10:00:00", None)),
        ("'[2024-01-01 10:00+02,)'::tstzrange", span("2024-01-01T08:00:00+00:00", None)),
        ("'{[1,3),[5,7)}'::int4multirange", [span(1, 3), span(5, 7)]),
        ("'{}'::int4multirange", []),
        ("ARRAY['[1,3)'::int4range]", [span(1, 3)]),
        ("ARRAY['{[1,3)}'::int4multirange]", [[span(1, 3)]]),
        ("1e400::numeric", "1" + "0" * 400),
        ("-1e400::numeric", "-1" + "0" * 400),
        ("1e5000::numeric", "1" + "0" * 5000),
        ("1e-400::numeric", "0." + "0" * 399 + "1"),
        ("1e308::numeric", "1" + "0" * 308),
        ("'NaN'::numeric", "NaN"),
        ("ARRAY['NaN', 'Infinity', 1.50, 2]::numeric[]", ["NaN", "Infinity", "1.50", 2]),
        ("jsonb_build_array(1e400::numeric, 1e5000::numeric)", ["1" + "0" * 400, "1" + "0" * 5000]),
        ("ARRAY['{\"a\": [1]}'::jsonb, 'null', '\"x\"']", [{"a": [1]}, None, "x"]),
        ("ARRAY['[1,2]'::json]", [[1, 2]]),
        ("ARRAY[ARRAY[1,2],ARRAY[3,NULL]]", [[1, 2], [3, None]]),
        ("'[0:2]={1,2,3}'::int[]", [1, 2, 3]),
        ("'[2:3][-1:0]={{1,2},{3,4}}'::int[]", [[1, 2], [3, 4]]),
        ("ARRAY['NULL', NULL, '', '{}']", ["NULL", None, "", "{}"]),
        ("ARRAY['\\x00ff'::bytea, '']", ["AP8=", ""]),
        ("ARRAY[TIMESTAMPTZ '2024-01-01 00:00+02']", ["2023-12-31T22:00:00+00:00"]),
        ("ARRAY[true, false]", [True, False]),
        ("ARRAY['(1,2),(0,0)'::box, '(3,3),(2,2)']", ["(1,2),(0,0)", "(3,3),(2,2)"]),
        ("ARRAY[INTERVAL '-1 day -02:00']", ["P-1DT-2H"]),
        ("INTERVAL '-1 year'", "P-1Y"),
        ("TIME '24:00:00'", "24:00:00"),
        ("TIMETZ '12:00:00+02'", "12:00:00+02:00"),
        ("DATE '10000-01-01'", "10000-01-01"),
        ("TIMESTAMP '-infinity'", "-infinity"),
        ("TIMESTAMP '0044-03-15 10:00 BC'", "0044-03-15 10:00:00 BC"),
        ("'1 2'::int2vector", [1, 2]),
        ("'1 2'::oidvector", [1, 2]),
        ("5::money", "$5.00"),
        ("B'101'::varbit", "101"),
        ("'a b'::tsvector", "'a' 'b'"),
        ("'10.0.0.1'::inet", "10.0.0.1"),
        ("'10.0.0.0/8'::cidr", "10.0.0.0/8"),
        ("'{a,b}'::name[]", ["a", "b"]),
        ("'pg_class'::regclass", "pg_class"),
        ("relacl FROM pg_class WHERE relname = 'pg_class'", ["postgres=arwdDxtm/postgres", "=r/postgres"]),
        ("pg_sleep(0)", ""),
        ("ARRAY['a'::information_schema.sql_identifier]", ["a"]),
        ("'{\"größe \\\"x\\\"\"}'::text[]", ['größe "x"']),
        ("ROW(1, 'a')", {"f1": 1, "f2": "a"}),
        ("ROW()", {}),
        ("ROW(NULL)", {"f1": None}),
        ("ROW('1', 1, 1.50, true, NULL)", {"f1": "1", "f2": 1, "f3": "1.50", "f4": True, "f5": None}),
        ("ROW(ROW(1, 'NEW'::kinds.st), ROW(2, 'x')::kinds.pair)",
         {"f1": {"f1": 1, "f2": "NEW"}, "f2": {"n": 2, "s": "x"}}),
        ("ROW(ARRAY['NEW']::kinds.st[], '[1,2)'::int4range, 'a@b'::kinds.email, '\\xff'::bytea, 1.1::float4)",
         {"f1": ["NEW"], "f2": span(1, 2), "f3": "a@b", "f4": "/w==", "f5": 1.1}),
        ("ROW('a b'::tsvector, '(1,2)'::point, DATE '0044-03-15 BC', '10.0.0.1'::inet, '{\"a\": 1e400}'::jsonb)",
         {"f1": "'a' 'b'", "f2": "(1,2)", "f3": "0044-03-15 BC", "f4": "10.0.0.1", "f5": {"a": "1" + "0" * 400}}),
        ("ARRAY[ROW(1, 'a'), ROW(2, NULL)]", [{"f1": 1, "f2": "a"}, {"f1": 2, "f2": None}]),
        ("ARRAY(SELECT ROW(n, ARRAY[ROW(n)]) FROM generate_series(1, 2) n)",
         [{"f1": 1, "f2": [{"f1": 1}]}, {"f1": 2, "f2": [{"f1": 2}]}]),
        ("t FROM (SELECT 1 AS a, 'x' AS \"B c\", ROW(2), 3 AS a) t",
         {"a": 1, "B c": "x", "row": {"f1": 2}, "a_2": 3}),
        ("array_agg(t ORDER BY a) FROM (VALUES (1, DATE '2024-01-01'), (2, NULL)) t(a, d) -- rows",
         [{"a": 1, "d": "2024-01-01"}, {"a": 2, "d": None}]),
        ("jsonb_each('{\"a\": 1e5000}')", {"key": "a", "value": "1" + "0" * 5000}),
        ("ARRAY[ARRAY[ROW(1)], ARRAY[ROW(2)]]", [[{"f1": 1}], [{"f1": 2}]]),
        ("NULL::record", None),
        ("ARRAY[]::record[]", []),
    ],
)  # fmt: skip
def test_every_type_has_a_json_form(ask: Any, typed: Database, expression: str, value: Any) -> None:
    assert ask(typed, f"SELECT {expression}") == [value]


def test_everything_inside_of_a_composite(ask: Any, typed: Database) -> None:
    query = """SELECT ROW(ROW(1, 'x'), ARRAY[ROW(2, 'y z')]::kinds.pair[], 'NEW', ARRAY['a b']::kinds.st[], 'a@b', 5,
        '2024-01-01 00:00+00', '\\x00ff', '{"a": [1]}', '[1,3)', '{1,2}', ROW(3, NULL))::kinds.deep"""

    assert ask(typed, query) == [
        {
            "p": {"n": 1, "s": "x"},
            "ps": [{"n": 2, "s": "y z"}],
            "st": "NEW",
            "sts": ["a b"],
            "mail": "a@b",
            "total": "5.00",
            "at": "2024-01-01T00:00:00+00:00",
            "raw": "AP8=",
            "doc": {"a": [1]},
            "span": span(1, 3),
            "numbers": [1, 2],
            "odd": {"n": 3, "s": None},
        }
    ]


def test_rows_of_the_system_catalog(ask: Any, typed: Database) -> None:
    (row,) = ask(typed, "SELECT c FROM pg_catalog.pg_class c WHERE relname = 'pg_class'")
    assert (row["relname"], row["relnatts"] > 20, row["relhasindex"]) == ("pg_class", True, True)

    typed.run("CREATE TABLE IF NOT EXISTS kinds.often (s kinds.st)")
    typed.run("INSERT INTO kinds.often SELECT 'NEW' FROM generate_series(1, 50)", "ANALYZE kinds.often")
    query = "SELECT most_common_vals, most_common_freqs FROM pg_stats WHERE tablename = 'often'"
    assert ask(typed, query) == [["NEW"], [1]]


def test_hstore_is_an_object(ask: Any, typed: Database) -> None:
    _hstore(typed)

    assert ask(typed, "SELECT 'a=>1, \"b c\"=>NULL'::hstore, ARRAY['a=>\"\"'::hstore], ''::hstore") == [
        {"a": "1", "b c": None},
        [{"a": ""}],
        {},
    ]


def _hstore(database: Database) -> None:
    database.run("CREATE EXTENSION IF NOT EXISTS hstore")


def test_a_written_row_comes_like_a_read_one(rows_of: Any, typed: Database) -> None:
    inserted = rows_of(
        typed,
        "INSERT INTO kinds.kept VALUES (2, 'a b'), (3, 'NEW') "
        "RETURNING ARRAY[s], kept, ROW(id, s), ROW(id, 'x')::kinds.pair",
        read_only=False,
    )

    assert inserted == [
        [["a b"], {"id": 2, "s": "a b"}, {"f1": 2, "f2": "a b"}, {"n": 2, "s": "x"}],
        [["NEW"], {"id": 3, "s": "NEW"}, {"f1": 3, "f2": "NEW"}, {"n": 3, "s": "x"}],
    ]
    query = "WITH gone AS (DELETE FROM kinds.kept WHERE id > 1 RETURNING *) SELECT array_agg(s ORDER BY id) FROM gone"
    assert rows_of(typed, query, read_only=False) == [[["a b", "NEW"]]]


def test_locked_rows_without_a_type(rows_of: Any, typed: Database) -> None:
    query = "SELECT ROW(id, s) FROM kinds.kept WHERE id = :id FOR UPDATE"

    assert rows_of(typed, query, {"id": 1}, read_only=False) == [[{"f1": 1, "f2": "NEW"}]]


def test_many_rows_without_a_type(rows_of: Any, typed: Database) -> None:
    rows = rows_of(typed, "SELECT n, ROW(n, n::text, ROW(n)) FROM generate_series(1, 2500) n")

    assert rows == [[n, {"f1": n, "f2": str(n), "f3": {"f1": n}}] for n in range(1, 2501)]


def test_several_columns_without_a_type(rows_of: Any, typed: Database) -> None:
    query = """WITH t AS (SELECT n AS a, 'NEW'::kinds.st AS s FROM generate_series(1, :most) n)
        SELECT t, 'x' AS between, NULL::record, ARRAY[t], a FROM t WHERE a IN (:some) ORDER BY a DESC"""
    rows = rows_of(typed, query, {"most": 3, "some": [1, 3]})

    assert rows == [[{"a": n, "s": "NEW"}, "x", None, [{"a": n, "s": "NEW"}], n] for n in (3, 1)]


def test_rows_that_are_nested_too_deep_are_refused(ask: Any, typed: Database) -> None:
    with pytest.raises(Refused, match="more than 100 deep"):
        ask(typed, f"SELECT {'ROW(' * 200}1{')' * 200}")


def test_a_type_that_changes_is_learnt_again(ask: Any, typed: Database) -> None:
    close_engines()  # so that both steps use one connection
    typed.run("CREATE TYPE kinds.growing AS (a int)", "CREATE TYPE kinds.state AS ENUM ('x')")
    query = "SELECT {}::kinds.growing, ARRAY[{}::kinds.growing], ARRAY['x']::kinds.state[]"
    assert ask(typed, query.format("ROW(1)", "ROW(1)")) == [{"a": 1}, [{"a": 1}], ["x"]]

    typed.run(
        "ALTER TYPE kinds.growing ADD ATTRIBUTE b text", "ALTER TYPE kinds.growing RENAME ATTRIBUTE a TO c"
    )
    typed.run("DROP TYPE kinds.state", "CREATE DOMAIN kinds.state AS int[]")
    query = "SELECT ROW(1, 'y')::kinds.growing, ARRAY[ROW(1, 'y')::kinds.growing], ARRAY['{1}'::kinds.state]"
    assert ask(typed, query) == [{"c": 1, "b": "y"}, [{"c": 1, "b": "y"}], [[1]]]
