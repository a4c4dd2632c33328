"""What a step may read: precedence, which value wins, and which texts are secret."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Team
from executions.engine.context import (
    build_scope,
    load_referenced_steps,
)
from executions.models import Execution, ExecutionStep
from tests.executions.driving import begin, delay
from tests.executions.rows import START, make_execution, make_step


def ended(execution: Execution, position: int, at: int, **fields: Any) -> ExecutionStep:
    return make_step(execution, position, completed_at=START + timedelta(seconds=at), **fields)


def test_extracted_values_override_variables_and_the_last_wins(driven: None, team: Team) -> None:
    execution = make_execution(team, variables=[{"name": "v", "value": "run"}, {"name": "w", "value": 1}])
    late = ended(execution, 0, 9, extracted={"v": "late"})
    early = ended(execution, 1, 5, extracted={"v": "early"})
    assert build_scope(execution, [late, early]).variables == {"v": "late", "w": 1}
    assert build_scope(execution, []).variables["v"] == "run"


def test_a_value_is_as_secret_as_its_last_writer_says(driven: None, team: Team) -> None:
    execution = make_execution(
        team, variables=[{"name": "v", "value": "••••••"}], secrets={"variables": {"v": "whole"}}
    )
    assert build_scope(execution, []).secrets == {"v"}
    assert build_scope(execution, []).variables == {"v": "whole"}
    plain = ended(execution, 0, 1, extracted={"v": "plain"})
    assert build_scope(execution, [plain]).secrets == frozenset()
    again = ended(execution, 1, 2, secret_extracts={"v": "again"})
    assert build_scope(execution, [plain, again]).secrets == {"v"}


def test_references_read_the_whole_result(driven: None, team: Team) -> None:
    execution = make_execution(team)
    step = ended(
        execution, 0, 1, response={"body": "••••••"}, whole_response={"body": "whole"}, cut_paths=["x"]
    )
    view = build_scope(execution, [step]).steps["step_0"]
    assert (view.result, view.shown, view.truncated) == ({"body": "whole"}, {"body": "••••••"}, True)


def test_only_the_steps_that_are_needed_are_loaded(driven: None, team: Team) -> None:
    execution = make_execution(team)
    for position in range(3):
        ended(execution, position, position)
    step = make_step(execution, 3, needs=[[1, True], [2, False]])
    near = load_referenced_steps(step)
    assert ([each.position for each in near.steps], set(near.required)) == ([1, 2], {1})
    assert load_referenced_steps(make_step(execution, 4)).steps == []


@pytest.mark.parametrize(
    ("status", "background", "waits"),
    [
        ("IN_PROGRESS", True, True),
        ("PENDING", True, True),
        ("SUCCESS", True, False),
        ("WAITING", False, False),
    ],
)
def test_a_step_waits_for_background_steps_that_are_open(
    driven: None, team: Team, status: str, background: bool, waits: bool
) -> None:
    execution = make_execution(team)
    make_step(execution, 0, status=status, background=background)
    assert load_referenced_steps(make_step(execution, 1, needs=[[0, False]])).running_background() is waits


@pytest.mark.parametrize(("required", "missing"), [(True, True), (False, False)])
def test_a_step_that_never_ran(driven: None, team: Team, required: bool, missing: bool) -> None:
    execution = make_execution(team)
    make_step(execution, 0, status="SKIPPED", started_at=None)
    near = load_referenced_steps(make_step(execution, 1, needs=[[0, required]]))
    assert (near.never_ran() is not None) is missing


def test_an_execution_with_a_background_step_is_marked(driven: None, team: Team) -> None:
    assert begin(team, [delay("a"), delay("b")]).secrets is None
    assert begin(team, [delay("a", runInBackground=True), delay("b")]).secrets == {"concurrent": True}
