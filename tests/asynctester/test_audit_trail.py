"""What people do through the API is in the audit log, once each, and no secret with it."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEvent, Team, User
from executions.models import Execution
from tests.cast import ApiFor

CANARY = "c4n4ry-s3cr3t-v4lu3"
FLOW: dict[str, Any] = {
    "name": "Wait",
    "variables": [{"name": "key", "type": "string", "secret": True, "defaultValue": CANARY}],
    "steps": [{"name": "w", "stepType": "delay", "meta": {"delayMs": 1}}],
}
RESOURCE = {
    "name": "shop",
    "type": "http",
    "config": {"baseUrl": "http://127.0.0.1:9", "headers": {"X": CANARY}},
}
ENVIRONMENT = {
    "name": "staging",
    "variables": [{"name": "k", "type": "string", "secret": True, "value": CANARY}],
}


@pytest.fixture
def client(api: ApiFor, bob: User) -> APIClient:
    return api(bob)


def _told() -> list[str]:
    events = AuditEvent.objects.order_by("at")
    assert {event.actor_name for event in events} <= {"bob@example.com"}
    assert CANARY not in str(list(AuditEvent.objects.values()))
    return [event.action for event in events]


def _made(answer: Any, status: int = 201) -> str:
    assert answer.status_code == status, answer.json()
    return str(answer.json()["id"])


def test_flows(client: APIClient, team: Team) -> None:
    flow = f"/api/v1/flows/{_made(client.post('/api/v1/flows', FLOW))}"
    client.put(flow, FLOW)  # unchanged: no event
    client.patch(flow, {"name": "Wait more"})
    client.post(f"{flow}/versions/1/restore")
    text = client.get("/api/v1/flows/export").content
    client.delete(flow)
    client.post("/api/v1/flows/import", text, content_type="application/yaml")
    assert _told() == [f"flow.{verb}" for verb in ("create", "save", "restore", "export", "delete", "import")]
    assert AuditEvent.objects.get(action="flow.restore").detail == {"version": 3, "restored": 1}
    refused = client.post("/api/v1/flows", {**FLOW, "steps": [{}]})
    assert (refused.status_code, len(_told())) == (400, 6)


def test_resources_and_environments(client: APIClient, team: Team) -> None:
    resource = f"/api/v1/resources/{_made(client.post('/api/v1/resources', RESOURCE))}"
    client.patch(resource, {"name": "till"})
    client.patch(resource, {"config": RESOURCE["config"]})
    client.post(f"{resource}/check")
    client.delete(resource)
    environment = f"/api/v1/environments/{_made(client.post('/api/v1/environments', ENVIRONMENT))}"
    client.patch(environment, {"variables": ENVIRONMENT["variables"]})
    client.delete(environment)
    assert _told() == [
        *("resource.create", "resource.update", "resource.update", "resource.check", "resource.delete"),
        *("environment.create", "environment.update", "environment.delete"),
    ]
    details = [event.detail for event in AuditEvent.objects.filter(action="resource.update").order_by("at")]
    assert details == [{"fields": ["name"]}, {"fields": ["config"]}]


def test_executions(client: APIClient, team: Team) -> None:
    flow = _made(client.post("/api/v1/flows", FLOW))
    run, again = [
        _made(
            client.post(
                f"/api/v1/flows/{flow}/run", {"labels": ["nightly"]}, headers={"Idempotency-Key": "1"}
            )
        )
        for _ in range(2)
    ]
    assert again == run
    client.post(f"/api/v1/executions/{run}/cancel")
    Execution.objects.filter(pk=run).update(status="CANCELLED", look_at=None)
    _made(client.post(f"/api/v1/executions/{run}/rerun", {}))
    assert client.post(f"/api/v1/executions/{run}/cancel").status_code == 409
    assert client.delete(f"/api/v1/executions/{run}").status_code == 204
    assert _told() == [
        "flow.create",
        *(f"execution.{verb}" for verb in ("start", "cancel", "rerun", "delete")),
    ]
    start = AuditEvent.objects.get(action="execution.start")
    assert (start.target_id, start.target_name) == (run, "Wait")
    assert start.detail == {"source": "API", "flow": flow, "version": 1}
    assert AuditEvent.objects.get(action="execution.rerun").detail["rerunOf"] == run
