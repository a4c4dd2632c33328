"""`sql`: runs one statement on a database, and returns its rows as JSON."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from pydantic import Field, model_validator

from steprunners.assertions.evaluation import Assertion
from steprunners.clients.quotas import within
from steprunners.clients.sql.checking import check_database
from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.running import Request, run_statement
from steprunners.config import StepConfig, StepResult
from steprunners.deadline import Deadline
from steprunners.json_types import Json
from steprunners.network import Call, NetworkPolicy
from steprunners.references.resolution import Grammar
from steprunners.runner import Finished, StepContext, StepRunner

NOTES = """
**One statement.** References cannot be used in `query`: write `:name` and give the value in `parameters`, where
references keep their type. `:name` inside quotes and comments is text, and `::` is a cast. A name may have letters of
every script (`:größe`). A second statement is refused. So are statements that begin or end transactions or change the
session (`BEGIN`, `COMMIT`, `SET`, `USE`, `LOCK`, `COPY`, `ATTACH` …), because each step has its own transaction.

**Parameters** are sent with their JSON type; in PostgreSQL, text and null take the type that their place needs. Where
PostgreSQL cannot find a type (`jsonb_build_object('id', :id)`, `:s IS NULL OR s = :s`), or must know another one, write
`{"type": "decimal", "value": "19.90"}`; the value may be null, or a list of values of the type:

| `type` | `value` | PostgreSQL | MariaDB, MySQL | SQLite |
| --- | --- | --- | --- | --- |
| `text` | text | text | text | text |
| `integer` | a whole number, or its text | smallint … numeric, by its size | integer | integer of 64 bits |
| `number` | a number, or its text | double precision | double | double |
| `decimal` | a number, or its text | numeric | decimal | integer or double: SQLite has no decimals |
| `boolean` | `true`, `false` | boolean | 1, 0 | 1, 0 |
| `date` | `2026-01-31` | date | date | text |
| `time` | `12:30:00`, `12:30:00+02:00` | time; with an offset: timetz | time, in UTC | text, in UTC |
| `timestamp` | `2026-01-31T12:30:00+02:00` | timestamptz; no offset: timestamp | datetime, in UTC | text, in UTC |
| `uuid` | `6f1c2c0e-…` | uuid | text | text |
| `bytes` | base64 | bytea | binary | blob |
| `json` | anything | jsonb | JSON text | JSON text |
| `array` | a list | array | see below | see below |

A time without an offset is sent as it is. NaN and infinity are numbers only in PostgreSQL. An object without `type` is
JSON.

**Lists**: in `IN (:ids)` and `NOT IN (:ids)` each value becomes an item, on every database, also beside other items
(`IN (0, :ids)`), with a cast (`IN (:ids::uuid)`, `IN (CAST(:ids AS DATE))`), and as rows (`(a, b) IN (:pairs)` with
`[[1, 2], [3, 4]]`). An empty list is in no way an error: nothing is in it, everything is not in it. All lists of a
statement may have 10,000 values. Elsewhere a list is an array in PostgreSQL (`id = ANY(:ids)`). The other databases
have no arrays: there a list is JSON text where it is an argument or a value (`json_each(:ids)`, `VALUES (:doc)`), and
an ERROR where it is compared (`id = :ids`).

**Slices** of PostgreSQL: `tags[1:n]` is a slice up to column n, `tags[1 : :n]` one up to the bind. `tags[:n]` is an
ERROR, because it can be read in two ways: write `tags[(:n)]` for the element, `tags[1 : :n]` for the slice.

**readOnly** is true by default. Then only queries run, inside a read-only transaction that is rolled back. It prevents
a test from changing data by mistake. It does not stop an attacker: functions of the database may write files or call
other systems, so give the resource a user with no more rights than the tests need. With `readOnly: false` the statement
is committed, and `affectedRows` counts the rows. Statements that cannot run inside a transaction are not possible.

**Rows** are read one by one, up to `maxRows`; if there are more, `rowsTruncated` is true. If two columns have the same
name, the second one is `name_2`. Rows of more than 10 MiB are an ERROR `response_too_large`. Sessions run in UTC, so
times with a zone end in `+00:00`.

| Values of the database | JSON |
| --- | --- |
| text, enum, uuid, xml, citext | text |
| integers; decimals without a fraction | number; beyond ±2^53 text, which assertions compare as a number |
| decimals with a fraction | text with every digit, which assertions compare as a number |
| floats | number; `NaN`, `Infinity` and `-Infinity` are text |
| boolean | `true`, `false`; 1 and 0 in MariaDB, MySQL and SQLite, which have no booleans |
| date, time, timestamp | ISO 8601: `2026-01-31T12:30:00+00:00`; `infinity` and years BC as in PostgreSQL |
| interval | ISO 8601 text: `P1Y2DT3H`, `P-1D` |
| bytea, BLOB, BINARY | base64 |
| json, jsonb, JSON of MySQL | parsed; a number that a double cannot hold is text. MariaDB's JSON columns are text |
| array | list, nested for more dimensions; lower bounds are left out |
| domain | as the type below it |
| composite, row of a table | object by the names of its fields |
| `ROW(1, 'a')` | object by PostgreSQL's own names: `{"f1": 1, "f2": "a"}` |
| row of a subquery or function | object by its names; after INSERT, UPDATE and DELETE by f1, f2 … |
| range | `{"lower": 1, "upper": 5, "lowerInclusive": true, "upperInclusive": false, "empty": false}` |
| multirange | list of ranges |
| hstore | object |
| BIT of MariaDB and MySQL | number |
| bit, money, inet, cidr, macaddr, tsvector, point and other shapes, other types of PostgreSQL | text, as PostgreSQL \
writes it |

**The deadline** is also set in the server (`statement_timeout`, `max_statement_time`). The connection is closed when
the time is over or the run is cancelled. MySQL (not MariaDB) itself limits only SELECT.

**SQLite** files must be inside the installation's folder SQLITE_FOLDER, which is never set in production.
""".strip()


class SqlConfig(StepConfig):
    """What to run, and what to expect."""

    grammars: ClassVar = {"query": Grammar.SQL}
    fixed_keys: ClassVar = {
        "parameters": "the query names its parameters: write the name, and the reference as its value"
    }

    resource_id: str = Field(min_length=1, description="An sql resource, by id or name.")
    query: str = Field(min_length=1, max_length=100_000, description="One statement; binds as :name.")
    parameters: dict[str, Json] = Field(
        default_factory=dict, description="The value of each bind, or {type, value}."
    )
    max_rows: int = Field(1000, ge=1, le=100_000)
    read_only: bool = Field(True, description="Allow only queries, and roll back afterwards.")
    expected_row_count: int | None = Field(None, ge=0, le=100_000)
    expected_columns: list[str] | None = Field(None, description="The names of the columns, in their order.")

    @model_validator(mode="after")
    def _countable(self) -> SqlConfig:
        if self.expected_row_count is not None and self.expected_row_count > self.max_rows:
            raise ValueError("expectedRowCount is more than maxRows")
        return self


class SqlResult(StepResult):
    """The rows, or how many rows were changed."""

    rows: list[dict[str, Json]] = Field(description="One object for each row, by column.")
    row_count: int = Field(description="The number of rows in this result.")
    columns: list[str]
    rows_truncated: bool = Field(description="Whether there were more rows than maxRows.")
    affected_rows: int | None = Field(None, description="How many rows a writing statement has changed.")
    execution_time_ms: int = Field(description="The time of the statement and its rows, without connecting.")


class SqlRunner(StepRunner[SqlConfig, SqlConnection]):
    """Runs one statement in a transaction of its own."""

    type = "sql"
    aliases = ("sql-db",)
    label = "SQL query"
    description = "Runs one SQL statement on PostgreSQL, MySQL, MariaDB or SQLite, and returns its rows."
    notes = NOTES
    result_class = SqlResult
    resource_type = "sql"
    example: ClassVar[dict[str, Any]] = {
        "name": "find_order",
        "stepType": "sql",
        "meta": {
            "resourceId": "shop-database",
            "query": "SELECT id, status, total FROM orders WHERE status = :status ORDER BY id",
            "parameters": {"status": "PAID"},
            "expectedRowCount": 1,
            "expectedColumns": ["id", "status", "total"],
        },
        "timeoutMs": 5000,
        "extract": {"order_id": "rows.0.id"},
    }

    def check(self, connection: SqlConnection, network: NetworkPolicy, deadline: Deadline) -> str:
        """Log in and ask for the version of the server. Raises StepError."""
        return check_database(connection, network, deadline)

    def run(self, config: SqlConfig, context: StepContext[SqlConnection]) -> Finished:
        """Run the statement; raise StepError where it is refused or there is no answer."""
        started = time.monotonic()
        connection = context.resource
        config = within(config, "max_rows", context.network.max_rows)
        request = Request(config.query, config.parameters, config.max_rows, config.read_only)
        answer = run_statement(
            connection, request, Call(context.network, context.deadline, context.cancellation)
        )
        result: dict[str, Json] = {
            "rows": answer.rows,
            "rowCount": len(answer.rows),
            "columns": list(answer.columns),
            "rowsTruncated": answer.is_cut,
            "executionTimeMs": round(answer.milliseconds),
            "durationMs": round((time.monotonic() - started) * 1000),
        }
        return Finished(result if answer.affected is None else {**result, "affectedRows": answer.affected})

    def expectations(self, config: SqlConfig, _fields: frozenset[str]) -> list[Assertion]:
        """Return the assertions of `expectedColumns` and `expectedRowCount`; the rows must also not be truncated."""
        expected: list[Assertion] = []
        if config.expected_columns is not None:
            columns: list[Json] = list(config.expected_columns)
            expected.append(Assertion(field="columns", operator="equals", expected_value=columns))
        if config.expected_row_count is not None:
            count = config.expected_row_count
            expected.append(Assertion(field="rowCount", operator="equals", expected_value=count))
            expected.append(Assertion(field="rowsTruncated", operator="equals", expected_value=False))
        return expected
