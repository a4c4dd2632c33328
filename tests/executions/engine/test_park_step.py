"""Parking a step: what may happen between the check of a background step and the wait for it."""

from __future__ import annotations

import pytest

from accounts.models import Team
from executions import statements
from executions.engine import park_step
from executions.engine.context import ReferencedSteps, load_referenced_steps
from executions.engine.park_step import park_for_background
from executions.models import ExecutionStep
from executions.statements.step import Change
from executions.states import StepStatus
from tests.executions.rows import make_execution, make_step


def test_a_step_that_waits_for_something_else_is_not_woken(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was woken by the background step, ran, and waits for its retry by now."""
    execution = make_execution(team, remaining=1, cursor=1)
    ended = make_step(execution, 0, background=True)
    step = make_step(execution, 1, status=StepStatus.IN_PROGRESS, fence=1, needs=[[ended.position, True]])

    def look_slowly(waiting: ExecutionStep) -> ReferencedSteps:
        assert statements.next_steps.wake_awaiting(execution.pk) == [1]
        claimed = statements.step.claim(execution.pk, 1, "another worker")
        assert claimed is not None
        assert (
            statements.step.park(claimed[0], 3_600, Change(), {}) is not None
        )  # its first attempt failed, say
        return load_referenced_steps(waiting)

    monkeypatch.setattr(park_step, "load_referenced_steps", look_slowly)
    assert park_for_background(step) is None
    assert statements.step.claim(execution.pk, 1, "me") is None
