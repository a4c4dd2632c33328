"""A loop survives whatever one look raises; a row that is locked is left, a database that is away is told."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, OperationalError

from accounts.models import Team
from executions.models import Execution
from executions.runtime.background_thread import FAILED_SECONDS, Loop, alone
from tests.executions.rows import make_execution


def raising(error: Exception) -> Loop:
    def look() -> float:
        raise error

    return Loop("test", look)


@pytest.mark.parametrize("error", [ValueError("what a look may raise"), OverflowError("or this")])
def test_a_look_that_fails_is_made_again_later(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    assert raising(error).turn() == FAILED_SECONDS
    assert "test failed" in caplog.text


def test_what_the_look_says_is_slept() -> None:
    assert Loop("test", lambda: 0.25).turn() == 0.25


def test_a_locked_row_is_left_and_a_lost_database_is_told(
    driven: None, team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(_: Execution) -> None:
        raise OperationalError("database is locked")

    def away(_: Execution) -> None:
        raise DatabaseError("the connection is closed")

    execution = make_execution(team)
    alone(locked, execution)
    assert "is locked, and left" in caplog.text
    with pytest.raises(DatabaseError, match="closed"):
        alone(away, execution)
