"""An error with one row is logged and does not stop the others; a database that is away does."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, OperationalError

from accounts.models import Team
from executions.models import Execution
from executions.worker.row_errors import handle_row
from tests.executions.rows import make_execution


def raising(error: Exception) -> object:
    def handle(_: Execution) -> None:
        raise error

    return handle


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (OperationalError("database is locked"), "is locked, and is tried again later"),
        (ValueError("a bug"), "could not be handled, and is tried again later"),
    ],
)
def test_an_error_with_a_row_is_logged(
    driven: None, team: Team, caplog: pytest.LogCaptureFixture, error: Exception, logged: str
) -> None:
    handle_row(raising(error), make_execution(team))  # type: ignore[arg-type]  # it only raises
    assert logged in caplog.text


def test_a_lost_database_is_raised(driven: None, team: Team) -> None:
    with pytest.raises(DatabaseError, match="closed"):
        handle_row(raising(DatabaseError("the connection is closed")), make_execution(team))  # type: ignore[arg-type]  # as above
