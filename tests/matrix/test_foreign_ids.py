"""Ids of another tenant inside bodies, queries and addresses of one's own things: never found, never used."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.matrix.actors import Asker, World
from tests.matrix.walk import FORM, status_of, text_of
from tests.matrix.world import Things, document

Request = Callable[[Things, Things], tuple[Any, ...]]
API = "/api/v1/"


def step(kind: str, **meta: Any) -> dict[str, Any]:
    """Return a flow of one step."""
    return {"name": "Draft", "steps": [{"name": "one", "stepType": kind, "meta": meta}]}


def branch(flow_id: Any) -> dict[str, Any]:
    """Return a condition that runs a flow."""
    return step(
        "condition",
        branches=[{"condition": {"left": 1, "operator": "exists"}, "flowId": str(flow_id)}],
        elseFlowId=str(flow_id),
    )


#: What is asked with whose ids: (method, address, body), and the answer that it has to be.
REFUSED: dict[str, tuple[int, Request]] = {
    "flow in another team": (400, lambda own, other: (
        "POST", "flows", {**document("A", resource=own.resource), "teamId": str(other.team.pk)})),
    "flow with a resource": (400, lambda _, other: ("POST", "flows", document("A", resource=other.resource))),
    "flow with a resource by name": (400, lambda _, other: (
        "POST", "flows", document("A", resource=other.resource.name))),
    "flow with a flow": (400, lambda _, other: ("POST", "flows", step("flow", flowId=str(other.flow.pk)))),
    "flow with a flow in a branch": (400, lambda _, other: ("POST", "flows", branch(other.flow.pk))),
    "saved flow with a resource": (400, lambda own, other: (
        "PUT", f"flows/{own.flow.pk}", document("A", resource=other.resource))),
    "saved flow to another team": (400, lambda own, other: (
        "PATCH", f"flows/{own.flow.pk}", {"teamId": str(other.team.pk)})),
    "import into a team": (400, lambda own, other: (
        "POST", f"flows/import?teamId={other.team.pk}", [document("A", resource=own.resource)])),
    "import with a resource": (400, lambda _, other: (
        "POST", "flows/import", [document("A", resource=other.resource)])),
    "export of a flow": (404, lambda own, other: ("GET", f"flows/export?ids={own.flow.pk},{other.flow.pk}")),
    "validate for a team": (400, lambda own, other: (
        "POST", "flows/validate", {**document("A", resource=own.resource), "teamId": str(other.team.pk)})),
    "run of a flow": (404, lambda _, other: ("POST", "flows/run", {"flowId": str(other.flow.pk)})),
    "run of a flow by an own address": (400, lambda own, other: (
        "POST", f"flows/{own.flow.pk}/run", {"flowId": str(other.flow.pk)})),
    "run with an environment": (400, lambda own, other: (
        "POST", f"flows/{own.flow.pk}/run", {"environmentId": str(other.environment.pk)})),
    "draft with an environment": (400, lambda own, other: (
        "POST", "flows/run",
        {"flow": document("A", resource=own.resource), "environmentId": str(other.environment.pk)})),
    "draft in a team": (400, lambda own, other: (
        "POST", "flows/run", {"flow": document("A", resource=own.resource), "teamId": str(other.team.pk)})),
    "draft with a resource": (400, lambda _, other: (
        "POST", "flows/run", {"flow": document("A", resource=other.resource)})),
    "draft with a flow": (400, lambda _, other: (
        "POST", "flows/run", {"flow": step("flow", flowId=str(other.flow.pk))})),
    "draft with a flow in a branch": (400, lambda _, other: ("POST", "flows/run", {"flow": branch(other.flow.pk)})),
    "comparison": (404, lambda own, other: ("GET", f"executions/{own.execution.pk}/compare/{other.execution.pk}")),
    "step of a run": (404, lambda own, other: ("GET", f"executions/{own.execution.pk}/steps/{other.step.pk}")),
    "resource in a team": (400, lambda _, other: (
        "POST", "resources",
        {"name": "A", "type": "redis", "config": {"host": "127.0.0.1"}, "teamId": str(other.team.pk)})),
    "resource to a team": (400, lambda own, other: (
        "PATCH", f"resources/{own.spare.pk}", {"teamId": str(other.team.pk)})),
    "environment in a team": (400, lambda _, other: (
        "POST", "environments", {"name": "A", "teamId": str(other.team.pk)})),
    "environment to a team": (400, lambda own, other: (
        "PATCH", f"environments/{own.environment.pk}", {"teamId": str(other.team.pk)})),
    "environment with a resource": (400, lambda own, other: (
        "POST", "environments",
        {"name": "A", "resources": {"x": str(other.resource.pk)}, "teamId": str(own.team.pk)})),
    "token for a team": (400, lambda _, other: (
        "POST", "tokens", {"name": "A", "scopes": ["READ"], "teamId": str(other.team.pk)})),
    "team of an organisation": (400, lambda _, other: (
        "POST", "teams", {"name": "A", "organisationId": str(other.organisation.pk)})),
    "member of the team": (400, lambda own, other: (
        "POST", f"teams/{own.team.pk}/members", {"userId": str(other.viewer.pk), "role": "VIEWER"})),
    "member of the team by address": (400, lambda own, other: (
        "POST", f"teams/{own.team.pk}/members", {"email": other.viewer.email, "role": "VIEWER"})),
    "role in the organisation": (404, lambda own, other: (
        "PATCH", f"organisations/{own.organisation.pk}/members/{other.viewer.pk}", {"role": "ADMIN"})),
    "role in the team": (404, lambda own, other: (
        "PATCH", f"teams/{own.team.pk}/members/{other.viewer.pk}", {"role": "ADMIN"})),
    "invitation to an organisation": (400, lambda _, other: (
        "POST", "invitations", {"email": "a@b.example", "organisationId": str(other.organisation.pk)})),
    "invitation to a team": (400, lambda own, other: (
        "POST", "invitations",
        {"email": "a@b.example", "organisationId": str(own.organisation.pk), "teamId": str(other.team.pk)})),
    "invitation to a team alone": (400, lambda _, other: (
        "POST", "invitations", {"email": "a@b.example", "teamId": str(other.team.pk)})),
}  # fmt: skip
#: Lists that are asked for another tenant's things: they are empty.
FILTERS: dict[str, Callable[[Things], str]] = {
    "runs of a flow": lambda other: f"executions?flowId={other.flow.pk}",
    "runs of a user": lambda other: f"executions?userId={other.owner.pk}",
    "runs of a team": lambda other: f"executions?teamId={other.team.pk}",
    "runs in an environment": lambda other: f"executions?environmentId={other.environment.pk}",
    "runs of a parent": lambda other: f"executions?parentExecutionId={other.execution.pk}",
    "runs again": lambda other: f"executions?rerunOf={other.execution.pk}",
    "flows of a team": lambda other: f"flows?teamId={other.team.pk}",
    "flows of a user": lambda other: f"flows?createdBy={other.owner.pk}",
    "flows by name": lambda other: f"flows?search={other.team_mark}",
    "resources of a team": lambda other: f"resources?teamId={other.team.pk}",
    "resources by name": lambda other: f"resources?search={other.team_mark}",
    "environments of a team": lambda other: f"environments?teamId={other.team.pk}",
    "people by address": lambda other: f"users?search={other.mark}",
    "teams by organisation": lambda other: f"teams?search={other.mark}",
    "events of a team": lambda other: f"audit-log?teamId={other.team.pk}",
    "events of an organisation": lambda other: f"audit-log?organisationId={other.organisation.pk}",
    "events of a user": lambda other: f"audit-log?user={other.owner.pk}",
    "events of a thing": lambda other: f"audit-log?objectId={other.team.pk}",
}
#: Pages of the editor and forms, with the ids of another tenant: (method, address, body), and the answer.
PAGES: dict[str, tuple[int, Request]] = {
    "new flow": (404, lambda own, other: (
        "POST", f"/flows/new?team={other.team.pk}", document("A", resource=own.resource))),
    "new flow with a resource": (422, lambda own, other: (
        "POST", f"/flows/new?team={own.team.pk}", document("A", resource=other.resource))),
    "saved flow with a resource": (422, lambda own, other: (
        "POST", f"/flows/{own.flow.pk}", document("A", resource=other.resource))),
    "check for a team": (404, lambda own, other: (
        "POST", f"/flows/check?team={other.team.pk}", document("A", resource=own.resource))),
    "check for a flow": (404, lambda own, other: (
        "POST", f"/flows/check?flow={other.flow.pk}", document("A", resource=own.resource))),
    "form for a team": (404, lambda own, other: (
        "POST", f"/flows/step-form?team={other.team.pk}", document("A", resource=own.resource))),
    "new resource": (404, lambda _, other: (
        "POST", "/resources/new?type=http",
        urlencode({"team": other.team.pk, "name": "A", "config.baseUrl": "http://127.0.0.1:1"}))),
    "new environment": (404, lambda _, other: (
        "POST", "/environments/new", urlencode({"team": other.team.pk, "name": "A"}))),
    "team to look at": (404, lambda _, other: ("POST", "/switch-team", urlencode({"team": other.team.pk}))),
    "role in the organisation": (404, lambda own, other: (
        "POST", f"/organisations/{own.organisation.pk}/members/{other.viewer.pk}", urlencode({"role": "ADMIN"}))),
    "role in the team": (404, lambda own, other: (
        "POST", f"/teams/{own.team.pk}/members/{other.viewer.pk}", urlencode({"role": "ADMIN"}))),
    "member of the team": (200, lambda own, other: (  # the form again, with an error
        "POST", f"/teams/{own.team.pk}/members", urlencode({"email": other.viewer.email, "role": "VIEWER"}))),
    "outcomes": (200, lambda _, other: ("GET", f"/executions/outcomes?flow={other.flow.pk}")),
}  # fmt: skip


def send(asker: Asker, asked: tuple[Any, ...], prefix: str = "") -> Any:
    """Send (method, address, body)."""
    method, address, *bodies = asked
    path, _, query = address.partition("?")
    options: dict[str, Any] = {"QUERY_STRING": query}
    if bodies:
        body = bodies[0]
        options["data"] = body if isinstance(body, str) else json.dumps(body)
        options["content_type"] = FORM if isinstance(body, str) else "application/json"
    return asker.ask(method, prefix + path, **options)


@pytest.fixture
def own(world: World) -> Things:
    """Acme, whose owner asks; it has one team, so that nobody need name it."""
    world.tenants["acme"].other_team.delete()
    return world.tenants["acme"]


def test_foreign_ids_in_the_api_are_refused(world: World, own: Things) -> None:
    other, asker = world.tenants["globex"], Asker(world.actors["owner"], by_session=False)
    wrong = []
    for name, (expected, request) in REFUSED.items():
        asked = request(own, other)
        response = send(asker, asked, API)
        if response.status_code != expected or told(response, other, asked):
            wrong.append(f"{name}: {response.status_code}: {text_of(response)[-300:]}")
    assert not wrong, "\n".join(wrong)


def test_the_same_requests_with_own_ids_are_taken(world: World, own: Things) -> None:
    """What is refused above is refused for the foreign id: with an own one most of it works."""
    asker = Asker(world.actors["owner"], by_session=False)
    taken = {
        name
        for name, (_, request) in REFUSED.items()
        if send(asker, request(own, own), API).status_code < 300
    }
    # Members of the team's organisation can be members already, and a flow cannot run itself in itself.
    assert set(REFUSED) - taken <= {"member of the team", "member of the team by address"}


def test_lists_filtered_by_foreign_ids_are_empty(world: World, own: Things) -> None:
    other, asker = world.tenants["globex"], Asker(world.actors["owner"], by_session=False)
    for name, address in FILTERS.items():
        response = send(asker, ("GET", address(other)), API)
        assert (name, response.status_code, response.json()["results"]) == (name, 200, [])


def test_the_same_lists_of_own_things_are_not(world: World, own: Things) -> None:
    asker = Asker(world.actors["owner"], by_session=False)
    empty = {
        name
        for name, address in FILTERS.items()
        if not send(asker, ("GET", address(own)), API).json()["results"]
    }
    assert empty <= {"runs of a parent", "runs again"}


def test_foreign_ids_in_forms_are_refused(world: World, own: Things) -> None:
    other, asker = world.tenants["globex"], Asker(world.actors["owner"], by_session=True)
    wrong = []
    for name, (expected, request) in PAGES.items():
        asked = request(own, other)
        response = send(asker, asked)
        if status_of(response) != expected or told(response, other, asked):
            wrong.append(f"{name}: {status_of(response)}: {text_of(response)[-300:]}")
    assert not wrong, "\n".join(wrong)


def told(response: Any, other: Things, asked: tuple[Any, ...]) -> list[str]:
    """Return what the answer says of the other tenant that was not in the question."""
    text, sent = text_of(response), str(asked)
    return [each for each in (other.mark, other.team_mark, *other.ids()) if each in text and each not in sent]
