"""Two executions side by side: pairs of steps."""

from __future__ import annotations

from typing import Any

from accounts.models import Team
from executions.models import Execution, ExecutionStep
from executions.reports.compare import Side, compare
from tests.executions.rows import START


def side(*steps: dict[str, Any]) -> Side:
    execution = Execution(team=Team(), created_at=START)
    rows = [
        ExecutionStep(execution=execution, position=position, **{"flow_step_id": step["name"], **step})
        for position, step in enumerate(steps)
    ]
    return execution, rows


def pairs(left: Side, right: Side) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = compare(left, right)["steps"]
    return steps


def test_renamed_steps_are_paired_by_their_id() -> None:
    left = side({"name": "create", "flow_step_id": "1", "status": "SUCCESS"})
    right = side({"name": "create_order", "flow_step_id": "1", "status": "FAILED"})
    [pair] = pairs(left, right)
    assert (pair["left"]["name"], pair["right"]["name"]) == ("create", "create_order")
    assert pair["statusChanged"] is True


def test_drafts_are_paired_by_name() -> None:
    left = side({"name": "create", "flow_step_id": "1"})
    right = side({"name": "create", "flow_step_id": "2"})
    assert len(pairs(left, right)) == 1


def test_steps_of_one_side() -> None:
    shown = pairs(side({"name": "old"}), side({"name": "new"}))
    assert [(pair["left"] is None, pair["right"] is None) for pair in shown] == [(True, False), (False, True)]
    assert [pair["differences"] for pair in shown] == [None, None]
    assert [pair["durationChangeMs"] for pair in shown] == [None, None]


def test_durations_do_not_count_as_differences() -> None:
    left = side({"name": "a", "duration_ms": 10, "response": {"durationMs": 10, "body": 1}})
    right = side({"name": "a", "duration_ms": 30, "response": {"durationMs": 30, "body": 1}})
    [pair] = pairs(left, right)
    assert pair["differences"] == []
    assert pair["durationChangeMs"] == 20
    assert pair["statusChanged"] is False
