"""Stopping everything that runs for a team."""

from __future__ import annotations

import time

import pytest

from accounts.models import Team
from executions import statements
from executions.engine import stop_team
from executions.models import Execution
from executions.states import ExecutionStatus, StepStatus
from tests.executions.rows import make_execution, make_step


def asked(executions: list[Execution]) -> list[tuple[bool, int]]:
    """Return of each whether its end is asked for, and how often."""
    found = [Execution.objects.get(pk=each.pk) for each in executions]
    return [(each.cancel_requested_at is not None, each.cancel_requests) for each in found]


def test_all_that_runs_is_cancelled_clean_up_too(
    team: Team, other_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements.cancel, "TEAM_BATCH", 2)
    open_ = [make_execution(team, sequence=3) for _ in range(3)]
    open_.append(make_execution(team, status=ExecutionStatus.PENDING))
    over = make_execution(team, status=ExecutionStatus.COMPLETED)
    others = make_execution(other_team)
    stop_team.stop_team(team)
    assert asked(open_) == [(True, 2)] * 4
    assert asked([over, others]) == [(False, 0)] * 2
    open_[0].refresh_from_db()
    assert open_[0].sequence == 4


def test_it_waits_for_calls_but_not_for_ever(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_team, "PATIENCE_SECONDS", 0.3)
    execution = make_execution(team)
    make_step(execution, status=StepStatus.IN_PROGRESS, look_at=execution.look_at)
    began = time.monotonic()
    stop_team.stop_team(team)
    assert time.monotonic() - began >= 0.3


def test_a_cancel_that_was_asked_for_keeps_its_time(team: Team) -> None:
    execution = make_execution(team, cancel_requests=1, cancel_requested_at="2026-11-22T12:00:00Z")
    stop_team.stop_team(team)
    execution.refresh_from_db()
    assert (execution.cancel_requested_at.year, execution.cancel_requests) == (2026, 2)  # type: ignore[union-attr]
