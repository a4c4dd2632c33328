"""The versions of other flows that a run uses."""

from __future__ import annotations

from typing import Any

from accounts.models import Team, User
from executions.starting.pinned_versions import pinned_versions
from flows.documents.document import FlowDocument, check_document
from flows.models import Flow
from flows.services import create_flow, delete_flow, save_version
from tests.executions.driving import choice, delay


def document(*steps: dict[str, Any]) -> FlowDocument:
    return check_document({"name": "f", "steps": list(steps)})


def runs(flow: Flow | str, name: str = "run") -> dict[str, Any]:
    return {"name": name, "stepType": "flow", "meta": {"flowId": str(getattr(flow, "pk", flow))}}


def test_the_newest_versions_of_all_that_is_reached(driven: None, team: Team, alice: User) -> None:
    deep = create_flow(team=team, user=alice, document=document(delay("a")))
    save_version(flow=deep, user=alice, document=document(delay("b")))
    middle = create_flow(team=team, user=alice, document=document(choice("c", [runs(deep)])))
    assert pinned_versions(team, document(runs(middle))) == {str(middle.pk): 1, str(deep.pk): 2}


def test_flows_of_branches_count(driven: None, team: Team, alice: User) -> None:
    one, two = (create_flow(team=team, user=alice, document=document(delay("a"))) for _ in range(2))
    step = {"name": "c", "stepType": "condition", "meta": {
        "branches": [{"condition": {"left": 1, "operator": "equals", "right": 1}, "flowId": str(one.pk)}],
        "elseFlowId": str(two.pk),
    }}  # fmt: skip
    assert set(pinned_versions(team, document(step))) == {str(one.pk), str(two.pk)}


def test_flows_that_run_each_other_end(driven: None, team: Team, alice: User) -> None:
    one = create_flow(team=team, user=alice, document=document(delay("a")))
    two = create_flow(team=team, user=alice, document=document(runs(one)))
    save_version(flow=one, user=alice, document=document(runs(two)))
    assert pinned_versions(team, document(runs(one))) == {str(one.pk): 2, str(two.pk): 1}


def test_missing_flows_are_left_out(
    driven: None, team: Team, other_team: Team, alice: User, charlie: User
) -> None:
    foreign = create_flow(team=other_team, user=charlie, document=document(delay("a")))
    deleted = create_flow(team=team, user=alice, document=document(delay("a")))
    delete_flow(flow=deleted)
    steps = [runs(foreign, "a"), runs(deleted, "b"), runs("0197f000-0000-7000-8000-000000000000", "c")]
    assert pinned_versions(team, document(*steps)) == {}
