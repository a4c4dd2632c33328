"""What the tests of the sql client share: a way to run one statement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from steprunners.clients.sql.running import Request, run_statement
from steprunners.network import Call, NetworkPolicy
from tests.servers.database_fixtures import Database
from tests.steprunners.conftest import MakeContext


@pytest.fixture
def rows_of(make_context: MakeContext, sqlite_folder: Path) -> Any:
    """Run a statement with parameters, and return its rows as lists of values."""

    def run(
        database: Database, query: str, parameters: dict[str, Any] | None = None, *, read_only: bool = True
    ) -> list[list[Any]]:
        context = make_context()
        policy = NetworkPolicy(("127.0.0.0/8",), sqlite_folder=str(sqlite_folder))
        request = Request(query, parameters or {}, 10_000, read_only)
        call = Call(policy, context.deadline, context.cancellation)
        answer = run_statement(database.connection, request, call)
        json.dumps(answer.rows, allow_nan=False)
        return [list(row.values()) for row in answer.rows]  # type: ignore[union-attr]  # a row is an object

    return run


@pytest.fixture
def ask(rows_of: Any) -> Any:
    """Return the first row of a query with parameters."""

    def first_row(database: Database, query: str, parameters: dict[str, Any] | None = None) -> list[Any]:
        first: list[Any] = rows_of(database, query, parameters)[0]
        return first

    return first_row
