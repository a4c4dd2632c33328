"""Which flow and version a step runs, and its errors."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team
from executions.engine.children import answer_of
from executions.engine.run_step import run_step
from executions.models import Execution
from executions.retention.delete import delete_execution
from executions.states import ExecutionStatus
from flows.documents.document import FlowDocument, check_document
from flows.models import Flow
from flows.services import create_flow, delete_flow, save_version
from steprunners.lifecycle.attempts import Progress
from tests.executions.driving import begin, delay, drive, step_of
from tests.executions.rows import START, make_execution, make_steps

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def flow(team: Team) -> Flow:
    return create_flow(team=team, user=None, document=_document("first"))


def _document(step: str) -> FlowDocument:
    return check_document({"name": "Child", "steps": [delay(step)]})


def _calling(flow_id: Any, **meta: Any) -> dict[str, Any]:
    return {"name": "call", "stepType": "flow", "meta": {"flowId": str(flow_id), **meta}}


@pytest.mark.parametrize("flow_id", ["nope", "01a20394-96f3-7197-8a9e-3964d38e344b"])
def test_an_unknown_flow_is_an_error_that_names_it(team: Team, flow_id: str) -> None:
    done = drive(begin(team, [_calling(flow_id)]))
    assert done.status == ExecutionStatus.FAILED
    message = f"the team has no flow with the id '{flow_id}'"
    assert step_of(done, "call").error == {"code": "child_refused", "message": message}


def test_a_deleted_flow_and_a_strangers_are_unknown(team: Team, other_team: Team, flow: Flow) -> None:
    strangers = create_flow(team=other_team, user=None, document=_document("first"))
    delete_flow(flow=flow)
    for each in (flow, strangers):
        done = drive(begin(team, [_calling(each.pk)]))
        assert step_of(done, "call").error["code"] == "child_refused"


def test_a_child_that_was_deleted_before_its_parent_looked(team: Team, flow: Flow) -> None:
    parent = begin(team, [_calling(flow.pk)])
    assert run_step(parent.pk, 0, begin=True) is None
    child = _child_of(parent)
    drive(child)
    child.refresh_from_db()
    delete_execution(execution=child)
    done = drive(parent)
    step = step_of(done, "call")
    assert step.status == "FAILED"
    assert "the child execution was deleted" in step.error["message"]


def test_a_version_that_the_flow_has_not(team: Team, flow: Flow) -> None:
    done = drive(begin(team, [_calling(flow.pk, version=7)]))
    assert step_of(done, "call").error["message"] == "the flow Child has no version 7"


@pytest.mark.parametrize("spelling", [str, lambda pk: str(pk).upper(), lambda pk: pk.hex])
def test_the_version_is_that_of_the_runs_creation(team: Team, flow: Flow, spelling: Any) -> None:
    execution = begin(team, [_calling(spelling(flow.pk))])
    save_version(flow=flow, user=None, document=_document("second"))
    drive(execution)
    assert _child_of(execution).flow_version == 1


def test_a_flow_that_a_reference_names_is_taken_as_it_is_now(team: Team, flow: Flow) -> None:
    declared = [{"name": "which", "type": "string", "defaultValue": str(flow.pk)}]
    execution = begin(team, [_calling("${which}")], declared=declared)
    save_version(flow=flow, user=None, document=_document("second"))
    drive(execution)
    assert _child_of(execution).flow_version == 2


def _child_of(execution: Execution) -> Execution:
    return Execution.objects.get(parent=execution)


def test_a_secret_that_is_handed_down_stays_one(team: Team) -> None:
    variables = [{"name": "note"}, {"name": "plain"}, {"name": "made", "defaultValue": "${upper(note)}"}]
    document = check_document({"name": "Child", "variables": variables, "steps": [delay("only")]})
    child = create_flow(team=team, user=None, document=document)
    key = {"name": "key", "secret": True, "defaultValue": "a long secret"}
    values = {"note": "the key is ${key}!", "plain": "nothing"}

    drive(begin(team, [_calling(child.pk, variables=values)], declared=[key]))

    run = Execution.objects.get(flow=child)
    shown = {each["name"]: (each["value"], each["secret"]) for each in run.variables}
    assert shown == {"note": ("••••••", True), "plain": ("nothing", False), "made": ("••••••", True)}
    note = "the key is a long secret!"
    assert run.secrets["variables"] == {"note": note, "made": note.upper()}
    assert run.root_id == run.parent_id
    root = Execution.objects.get(children=run)
    assert {note, note.upper()} <= set(root.secrets["more"]), (
        "what the child makes of it is the parent's secret too"
    )


@pytest.mark.parametrize("steps", [1, 20])
def test_the_result_of_a_child_takes_two_queries(
    team: Team, steps: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    child = make_execution(team, status="COMPLETED")
    make_steps(child, steps, completed_at=START, extracted={"a": 1}, secret_extracts={"b": "a secret"})
    progress = Progress(child=str(child.pk))
    with django_assert_num_queries(2):
        answer = answer_of(progress)
    assert answer is not None
    assert answer.result["variables"] == {"a": 1, "b": "a secret"}
    assert answer.shown is not None
    assert answer.shown["variables"] == {"a": 1, "b": "••••••"}
