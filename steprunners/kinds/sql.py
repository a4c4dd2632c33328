"""`sql`: one statement on a database, its rows as JSON."""

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
**One statement.** References cannot stand in `query`: write `:name` and give the value in `parameters`, where
references keep their type. `:name` inside quotes and comments is text, `::` is a cast. A second statement, and what
begins or ends transactions or changes the session (`BEGIN`, `COMMIT`, `SET`, `USE`, `LOCK`, `COPY`, `ATTACH` …), is
refused: each step has a transaction of its own.

**Parameters** are sent with the type they have in JSON; text takes the type of its place in PostgreSQL. A list is an
array in PostgreSQL (`id = ANY(:ids)`) and JSON text elsewhere (`json_each(:ids)`); an object is JSON. Where the
database must be told, give `{"type": "decimal", "value": "19.90"}`: text, integer, number, decimal, boolean, date,
time, timestamp, uuid, bytes (base64), json or array.

**readOnly** is true unless the step says otherwise. Then only queries run, inside a read-only transaction that is
rolled back. It keeps a test from changing data by mistake. It is no wall against somebody who wants to: functions of
the database may write files or call out, so give the resource a user with no more rights than the tests need. With
`readOnly: false` the statement is committed and `affectedRows` counts the rows; statements that cannot run inside a
transaction are not possible.

**Rows** are read one by one and end after `maxRows`, with `rowsTruncated: true`. Integers beyond ±2^53 and decimals
with a fraction are text, which assertions compare as numbers; NaN and the infinities are text. Dates and times are ISO
8601 text; sessions run in UTC, so times with a zone end in `+00:00`. Bytes are base64. JSON columns are parsed, except
in MariaDB, where they are text. Of columns with one name the second is `name_2`. Rows of more than 10 MiB are an ERROR
`response_too_large`.

**The deadline** is told to the server (`statement_timeout`, `max_statement_time`), and the connection is closed when it
is over or the run is cancelled. MySQL, other than MariaDB, limits only SELECT by itself.

**SQLite** files are those below the folder SQLITE_FOLDER of the installation, which production never has.
""".strip()


class SqlConfig(StepConfig):
    """What to run, and what to expect."""

    grammars: ClassVar = {"query": Grammar.SQL}

    resource_id: str = Field(min_length=1, description="An sql resource, by id or name.")
    query: str = Field(min_length=1, max_length=100_000, description="One statement; binds as :name.")
    parameters: dict[str, Json] = Field(
        default_factory=dict, description="The value of each bind, or {type, value}."
    )
    max_rows: int = Field(1000, ge=1, le=100_000)
    read_only: bool = Field(True, description="Only queries, rolled back afterwards.")
    expected_row_count: int | None = Field(None, ge=0, le=100_000)
    expected_columns: list[str] | None = Field(None, description="The names of the columns, in their order.")

    @model_validator(mode="after")
    def _countable(self) -> SqlConfig:
        if self.expected_row_count is not None and self.expected_row_count > self.max_rows:
            raise ValueError("expectedRowCount is more than maxRows")
        return self


class SqlResult(StepResult):
    """The rows, or what was changed."""

    rows: list[dict[str, Json]] = Field(description="One object a row, by column.")
    row_count: int = Field(description="Of the rows given here.")
    columns: list[str]
    rows_truncated: bool = Field(description="Whether there were more rows than maxRows.")
    affected_rows: int | None = Field(None, description="What a statement that writes has changed.")
    execution_time_ms: int = Field(description="Of the statement and its rows, without connecting.")


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
        """Sign in and ask for the server's version. Raises StepError."""
        return check_database(connection, network, deadline)

    def run(self, config: SqlConfig, context: StepContext[SqlConnection]) -> Finished:
        """Run the statement; raise StepError where it is refused or no answer could be had."""
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
        """Return what `expectedColumns` and `expectedRowCount` say; rows that were cut off count, too."""
        expected: list[Assertion] = []
        if config.expected_columns is not None:
            columns: list[Json] = list(config.expected_columns)
            expected.append(Assertion(field="columns", operator="equals", expected_value=columns))
        if config.expected_row_count is not None:
            count = config.expected_row_count
            expected.append(Assertion(field="rowCount", operator="equals", expected_value=count))
            expected.append(Assertion(field="rowsTruncated", operator="equals", expected_value=False))
        return expected
