"""Values of every kind come back exactly, from each real database, and go in as what they are."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.sql.values import loads_exact, to_json, unique_names
from steprunners.values.number_text import NumberText
from tests.servers.database_fixtures import Database
from tests.steprunners.json_strategies import json_values


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("9007199254740992::bigint", 2**53),
        ("9007199254740993::bigint", "9007199254740993"),
        ("(-9223372036854775807 - 1)::bigint", "-9223372036854775808"),
        ("12.50::numeric(10,2)", "12.50"),
        ("12::numeric", 12),
        ("123456789012345678901234567890::numeric", "123456789012345678901234567890"),
        ("0.1::float8", 0.1),
        ("1.1::float4", 1.1),
        ("'NaN'::float8", "NaN"),
        ("'-Infinity'::numeric", "-Infinity"),
        ("true", True),
        ("NULL::int", None),
        ("DATE '2024-02-29'", "2024-02-29"),
        ("DATE 'infinity'", "infinity"),
        ("DATE '0044-03-15 BC'", "0044-03-15 BC"),
        ("TIMESTAMP '2024-02-29 23:59:59.123456'", "2024-02-29T23:59:59.123456"),
        ("TIMESTAMPTZ '2024-02-29 23:59:59+05:30'", "2024-02-29T18:29:59+00:00"),
        ("TIMESTAMPTZ '20000-01-01 00:00:00+00'", "20000-01-01T00:00:00+00:00"),
        ("TIMETZ '12:00:00+05:30'", "12:00:00+05:30"),
        ("INTERVAL '1 year 2 days 03:04:05'", "P1Y2DT3H4M5S"),
        ("'6f1c2c0e-54f5-4f6c-9a52-5d1f2b1f0f3c'::uuid", "6f1c2c0e-54f5-4f6c-9a52-5d1f2b1f0f3c"),
        ("'\\x00ff'::bytea", "AP8="),
        ("'{\"a\": [1, 2.5, 12345678901234567890, 0.1234567890123456789]}'::jsonb",
         {"a": [1, 2.5, "12345678901234567890", "0.1234567890123456789"]}),
        ("'null'::json", None),
        ("ARRAY[1, NULL, 3]", [1, None, 3]),
        ("ARRAY[ARRAY['a','b'],ARRAY['c','}']]", [["a", "b"], ["c", "}"]]),
        ("ARRAY[TIMESTAMP '2024-01-01']", ["2024-01-01T00:00:00"]),
        ("'{}'::text[]", []),
        ("'10.0.0.0/8'::inet", "10.0.0.0/8"),
        ("ROW(1, 'x')", {"f1": 1, "f2": "x"}),
        ("'point'::name", "point"),
        ("'(1,2)'::point", "(1,2)"),
        ("B'101'", "101"),
    ],
)  # fmt: skip
def test_postgresql(ask: Any, postgresql_database: Database, expression: str, value: Any) -> None:
    assert ask(postgresql_database, f"SELECT {expression}") == [value]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("CAST(9007199254740993 AS SIGNED)", "9007199254740993"),
        ("CAST(18446744073709551615 AS UNSIGNED)", "18446744073709551615"),
        ("CAST(12.5 AS DECIMAL(10,2))", "12.50"),
        ("CAST(12 AS DECIMAL(10,0))", 12),
        ("1e-3", 0.001),
        ("TRUE", 1),
        ("NULL", None),
        ("DATE '2024-02-29'", "2024-02-29"),
        ("CAST('0000-00-00' AS DATE)", "0000-00-00"),
        ("TIMESTAMP '2024-02-29 23:59:59.123456'", "2024-02-29T23:59:59.123456"),
        ("TIME '838:59:59'", "838:59:59"),
        ("FROM_UNIXTIME(0)", "1970-01-01T00:00:00"),
        ("UNHEX('00FF')", "AP8="),
        ("b'101'", "BQ=="),
        ("'tea \u2615'", "tea \u2615"),
    ],
)
def test_mariadb(ask: Any, mariadb_database: Database, expression: str, value: Any) -> None:
    assert ask(mariadb_database, f"SELECT {expression}") == [value]


def test_mariadb_columns(ask: Any, mariadb_database: Database) -> None:
    mariadb_database.run(
        "DROP TABLE IF EXISTS kinds",
        "CREATE TABLE kinds (at TIMESTAMP, flags BIT(9), f FLOAT, y YEAR, doc JSON, b BLOB, e ENUM('x','y'))",
        "SET time_zone = '+02:00'",
        "INSERT INTO kinds VALUES ('2024-01-01 02:00:00', b'100000001', 1.1, 2024, '{\"a\": 1}', 'x', 'y')",
    )

    assert ask(mariadb_database, "SELECT * FROM kinds") == [
        "2024-01-01T00:00:00+00:00", 257, 1.1, 2024, '{"a": 1}', "eA==", "y",
    ]  # fmt: skip


def test_sqlite(ask: Any, sqlite_database: Database) -> None:
    row = ask(
        sqlite_database,
        "SELECT 9007199254740993, 0.5, 'x', x'00ff', NULL, CAST(x'61ff' AS TEXT), 9e999, -9e999",
    )

    assert row == ["9007199254740993", 0.5, "x", "AP8=", None, "a\ufffd", "Infinity", "-Infinity"]


@given(json_values)
def test_json_stays_what_it_is(value: Any) -> None:
    json.dumps(to_json(value), allow_nan=False)
    assert to_json(to_json(value)) == to_json(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_in_a_json_column_stays_a_number(number: float) -> None:
    assert loads_exact(json.dumps([number])) == [number]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5))
def test_decimals_keep_every_digit(number: Decimal) -> None:
    written = to_json(number)
    assert isinstance(written, NumberText)
    assert written.number == number


def test_only_numbers_are_marked_as_numbers() -> None:
    text = '{"a": 9007199254740993, "b": "19.90", "c": 1.5, "d": 9007199254740993.5, "e": 1e-9999999999999999999}'
    found = loads_exact(text)
    assert found == {"a": "9007199254740993", "b": "19.90", "c": 1.5, "d": "9007199254740993.5", "e": 0.0}
    assert isinstance(found, dict)
    assert [name for name, value in found.items() if isinstance(value, NumberText)] == ["a", "d"]
    assert [type(to_json(value)) for value in ("19.90", float("nan"), 2**53 + 1)] == [str, str, NumberText]


@given(st.lists(st.sampled_from(["a", "b", "a_2", "a_3", ""])))
def test_names_become_unique(names: list[str]) -> None:
    unique = unique_names(names)
    assert len(set(unique)) == len(names)
    assert all(new.startswith(old) for old, new in zip(names, unique, strict=True))
