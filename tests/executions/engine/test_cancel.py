"""Cancelling, without a worker beside the test."""

from __future__ import annotations

import pytest

from accounts.models import Team
from executions.engine.cancel import AlreadyOver, cancel_execution
from executions.models import Execution
from tests.executions.driving import at_once, begin, delay, statuses


def test_a_cancel_before_the_start_also_cancels_clean_up(driven: None, team: Team) -> None:
    cancelled = cancel_execution(begin(team, [delay("a"), delay("x", alwaysRun=True)]))
    assert (cancelled.status, cancelled.started_at, cancelled.look_at) == ("CANCELLED", None, None)
    assert set(statuses(cancelled).values()) == {"CANCELLED"}
    assert cancelled.sequence == 1 + 2 + 1  # asked for, two steps, ended
    with pytest.raises(AlreadyOver):
        cancel_execution(cancelled)


def test_cancels_at_once_end_it_once(alone: None, team: Team) -> None:
    execution = begin(team, [delay("a"), delay("b")])
    results = at_once(*[lambda: cancel_execution(execution).status] * 4)
    assert all(result == "CANCELLED" or isinstance(result, AlreadyOver) for result in results), results
    now = Execution.objects.get(pk=execution.pk)
    assert (now.status, now.remaining, set(statuses(now).values())) == ("CANCELLED", 0, {"CANCELLED"})
