"""Which columns are loaded, and which stay in the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db.models import F

from accounts.models import Team, User
from executions.models import Execution, ExecutionStep
from executions.presentation import LARGEST_RESPONSE, step_json
from executions.selectors import executions as selectors
from executions.selectors.executions import executions_to_show, snapshot, steps_to_show
from executions.states import StepStatus
from resources.fields import to_text
from tests.executions.rows import make_execution, make_step, make_steps

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "response",
    [
        None,
        {},
        {"body": "é\x00\ud800"},
        "x" * (LARGEST_RESPONSE - 2),
        "x" * (LARGEST_RESPONSE - 1),
        {"body": ["é" * 20_000]},
    ],
)
def test_shows_the_same_as_the_row_itself(team: Team, response: Any) -> None:
    """The engine shows the row that it has, REST what it reads: `responseOmitted` must not differ."""
    step = make_step(make_execution(team), response=response)
    [shown] = steps_to_show(step.execution_id)
    assert step_json(shown) == step_json(ExecutionStep.objects.get(pk=step.pk))
    assert step_json(shown)["responseOmitted"] == (len(to_text(response) or "") > LARGEST_RESPONSE)


def test_showing_loads_nothing_more(team: Team, django_assert_num_queries: Any) -> None:
    execution = make_execution(team, secrets={"variables": {"a": "b"}})
    make_steps(execution, 3, state={"a": 1}, whole_response={"b": 2})
    with django_assert_num_queries(1):
        [step_json(step) for step in steps_to_show(execution.pk)]


def test_executions_of_the_team_alone(team: Team, other_team: Team, vera: User, charlie: User) -> None:
    execution = make_execution(team)
    make_execution(other_team)
    assert list(executions_to_show(vera)) == [execution]
    assert execution not in executions_to_show(charlie)


def test_snapshot_of_a_deleted_execution(team: Team) -> None:
    execution = make_execution(team)
    Execution.objects.all().delete()
    assert snapshot(execution) is None


def test_snapshot_reads_again_when_the_execution_moved_on(team: Team) -> None:
    stale = make_execution(team)
    make_step(stale)
    Execution.objects.filter(pk=stale.pk).update(sequence=5)
    found = snapshot(stale)
    assert found is not None
    assert found[0].sequence == 5
    assert len(found[1]) == 1


def test_a_snapshot_is_not_older_than_its_sequence(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher drops updates up to the snapshot's sequence, so all of them must be in its steps."""
    execution = make_execution(team)
    step = make_step(execution, status=StepStatus.IN_PROGRESS)
    read = selectors.steps_to_show

    def read_and_move_on(execution_id: UUID) -> list[ExecutionStep]:
        steps = list(read(execution_id))
        Execution.objects.filter(pk=execution_id).update(sequence=F("sequence") + 1)
        ExecutionStep.objects.filter(pk=step.pk).update(attempts=F("attempts") + 1)
        return steps

    monkeypatch.setattr(selectors, "steps_to_show", read_and_move_on)
    found = snapshot(execution)
    assert found is not None
    shown, [shown_step] = found
    assert shown.sequence > 0
    assert shown_step.attempts >= shown.sequence
