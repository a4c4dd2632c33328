"""What is told of a step's end; the ends themselves are tested through the engine."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Team
from executions import statements
from executions.engine import outcomes as settling
from executions.engine.context import Neighbours, neighbours
from executions.engine.outcomes import _is_short, wait_for_background
from executions.models import ExecutionStep
from executions.presentation import LARGEST_RESPONSE
from executions.statements.step import Change
from executions.states import StepStatus
from tests.executions.rows import make_execution, make_step


@pytest.mark.parametrize(
    ("columns", "length", "short"),
    [
        ({"response": {"a": 1}}, 8, True),
        ({"response": {"a": 1}}, LARGEST_RESPONSE + 1, False),
        ({}, 0, False),  # of an earlier attempt: how long it is was not seen
    ],
)
def test_a_response_is_known_to_be_short_where_it_was_written_now(
    columns: dict[str, Any], length: int, short: bool
) -> None:
    assert _is_short(Change(columns, length)) is short


def test_who_was_woken_and_waits_for_something_else_by_now_is_not_woken_again(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = make_execution(team, remaining=1, cursor=1)
    ended = make_step(execution, 0, background=True)
    step = make_step(execution, 1, status=StepStatus.IN_PROGRESS, fence=1, needs=[[ended.position, True]])

    def look_slowly(waiting: ExecutionStep) -> Neighbours:
        assert statements.next_steps.wake_awaiting(execution.pk) == [1]
        claimed = statements.step.claim(execution.pk, 1, "another worker")
        assert claimed is not None
        assert (
            statements.step.park(claimed[0], 3_600, Change(), {}) is not None
        )  # its first attempt failed, say
        return neighbours(waiting)

    monkeypatch.setattr(settling, "neighbours", look_slowly)
    assert wait_for_background(step, neighbours(step)) is None
    assert statements.step.claim(execution.pk, 1, "me") is None
