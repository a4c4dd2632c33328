"""The cache of the steps that ended in this process."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Team
from executions.engine.context import load_referenced_steps
from executions.models import Execution, ExecutionStep
from executions.runtime import ended_steps as ended
from executions.runtime.ended_steps import EndedSteps
from tests.executions.driving import begin, delay, drive, step_of


def step(position: int, execution_id: uuid.UUID) -> ExecutionStep:
    return ExecutionStep(execution_id=execution_id, position=position)


def test_finds_what_was_kept() -> None:
    kept, here, elsewhere = EndedSteps(), uuid.uuid4(), uuid.uuid4()
    for position in (0, 1):
        kept.keep(step(position, here), 10)
    assert sorted(kept.find(here, [0, 1, 2])) == [0, 1]
    assert kept.find(elsewhere, [0]) == {}


def test_large_results_are_left_to_the_database() -> None:
    kept, here = EndedSteps(), uuid.uuid4()
    kept.keep(step(0, here), ended.LONGEST + 1)
    assert kept.find(here, [0]) == {}


def test_the_oldest_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended, "MOST", 3)
    kept, here = EndedSteps(), uuid.uuid4()
    for position in range(5):
        kept.keep(step(position, here), 1)
    assert sorted(kept.find(here, range(5))) == [2, 3, 4]


def chained(team: Team) -> Execution:
    return drive(begin(team, [delay("a"), delay("b", when={"left": "${a.delayedMs}", "operator": "exists"})]))


def test_a_cached_step_equals_its_row(driven: None, team: Team) -> None:
    execution = chained(team)
    fresh = step_of(execution, "a")
    remembered = ended.ended_steps.find(execution.pk, [0])[0]
    for field in ExecutionStep._meta.concrete_fields:
        assert getattr(remembered, field.attname) == getattr(fresh, field.attname), field.attname


def test_a_cached_step_costs_no_query(driven: None, team: Team) -> None:
    step_b = step_of(chained(team), "b")
    with CaptureQueriesContext(connection) as queries:
        assert [each.name for each in load_referenced_steps(step_b).steps] == ["a"]
    assert len(queries) == 0


def test_a_step_that_is_not_cached_is_loaded(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    step_b = step_of(chained(team), "b")
    monkeypatch.setattr("executions.engine.context.ended_steps", EndedSteps())
    assert [each.name for each in load_referenced_steps(step_b).steps] == ["a"]
