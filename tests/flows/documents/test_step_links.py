"""What steps name outside their flow: resources, and other flows of the team."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Team, User
from flows.documents.document import check_document
from flows.documents.step_links import Surroundings
from flows.problems import FlowInvalid
from flows.selectors import check_for_team
from flows.services import create_flow, delete_flow
from tests.flows.documents.test_document import problems_of
from tests.flows.sample_documents import choose, flow, get, wait


def using(resource: str) -> dict[str, Any]:
    return {**get(), "meta": {"url": "http://x.example/", "resourceId": resource}}


def calling(flow_id: str, **meta: Any) -> dict[str, Any]:
    return {"name": "call", "stepType": "flow", "meta": {"flowId": flow_id, **meta}}


class TestResources:
    def test_they_exist_and_have_the_type(self) -> None:
        check_document(flow(using("shop")), around=Surroundings({"shop": "http"}))
        check_document(flow(using("shop")))  # where there is no team there is nothing to look for
        place = "steps.0.meta.resourceId"
        assert problems_of(flow(using("shop")), around=Surroundings({"shop": "sql"})) == [
            (place, "wrong_resource_type")
        ]
        assert problems_of(flow(using("shop")), around=Surroundings({})) == [(place, "unknown_resource")]

    def test_a_near_name_is_suggested(self) -> None:
        with pytest.raises(FlowInvalid, match=r"did you mean shop\?"):
            check_document(flow(using("shpo")), around=Surroundings({"shop": "http"}))

    def test_a_reference_is_not_known_yet(self) -> None:
        raw = flow(using("${which}"), variables=[{"name": "which"}])
        check_document(raw, around=Surroundings({}))


class TestFlows:
    AROUND = Surroundings({}, {"known": 3}.get)

    def test_they_exist(self) -> None:
        check_document(flow(calling("known", version=3)), around=self.AROUND)
        assert problems_of(flow(wait(), calling("gone")), around=self.AROUND) == [
            ("steps.1.meta.flowId", "unknown_flow")
        ]

    def test_and_have_the_version(self) -> None:
        assert problems_of(flow(calling("known", version=4)), around=self.AROUND) == [
            ("steps.0.meta.version", "unknown_version")
        ]

    def test_a_reference_is_not_known_yet(self) -> None:
        check_document(flow(calling("${which}"), variables=[{"name": "which"}]), around=self.AROUND)

    def test_branches_name_flows_too(self) -> None:
        branch = {"condition": {"left": 1, "operator": "exists"}, "flowId": "gone"}
        meta = {"branches": [branch], "elseFlowId": "gone"}
        inner = {"name": "inner", "stepType": "condition", "meta": meta}
        assert problems_of(flow(choose("outer", inner)), around=self.AROUND) == [
            ("steps.0.meta.branches.0.steps.0.meta.branches.0.flowId", "unknown_flow"),
            ("steps.0.meta.branches.0.steps.0.meta.elseFlowId", "unknown_flow"),
        ]


def test_a_team_calls_its_own_living_flows(team: Team, other_team: Team, alice: User) -> None:
    own = create_flow(team=team, user=alice, document=check_document(flow(wait())))
    theirs = create_flow(team=other_team, user=alice, document=check_document(flow(wait())))

    check_for_team(team, flow(calling(str(own.pk))))
    delete_flow(flow=own)
    for wanted in (str(own.pk), str(theirs.pk), str(uuid4()), "no id"):
        with pytest.raises(FlowInvalid, match="the team has no flow with the id"):
            check_for_team(team, flow(calling(wanted)))
