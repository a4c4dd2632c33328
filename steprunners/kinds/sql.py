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
references keep their type. `:name` inside quotes and comments is text, and `::` is a cast. A second statement is
refused. So are statements that begin or end transactions or change the session (`BEGIN`, `COMMIT`, `SET`, `USE`,
`LOCK`, `COPY`, `ATTACH` …), because each step has its own transaction.

**Parameters** are sent with their JSON type; in PostgreSQL, text takes the type that its place needs. A list is an
array in PostgreSQL (`id = ANY(:ids)`) and JSON text elsewhere (`json_each(:ids)`). An object is JSON. If the database
must know the type, write `{"type": "decimal", "value": "19.90"}`. The types are text, integer, number, decimal,
boolean, date, time, timestamp, uuid, bytes (base64), json and array.

**readOnly** is true by default. Then only queries run, inside a read-only transaction that is rolled back. It prevents
a test from changing data by mistake. It does not stop an attacker: functions of the database may write files or call
other systems, so give the resource a user with no more rights than the tests need. With `readOnly: false` the statement
is committed, and `affectedRows` counts the rows. Statements that cannot run inside a transaction are not possible.

**Rows** are read one by one, up to `maxRows`; if there are more, `rowsTruncated` is true. Integers beyond ±2^53 and
decimals with a fraction are text, which assertions compare as numbers. NaN and infinite values are text. Dates and
times are ISO 8601 text. Sessions run in UTC, so times with a zone end in `+00:00`. Bytes are base64. JSON columns are
parsed, except in MariaDB, where they are text. If two columns have the same name, the second one is `name_2`. Rows of
more than 10 MiB are an ERROR `response_too_large`.

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
