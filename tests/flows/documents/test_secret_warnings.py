"""Secret defaults of flows: too short ones are told, and one whose key is lost can be given again."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.cast import ApiFor
from tests.resources.keys import UseKeys

STEP = {"name": "wait", "stepType": "delay", "meta": {"delayMs": 1}}


@pytest.fixture
def editor(bob: User, api: ApiFor) -> APIClient:
    return api(bob)


def document(*defaults: Any) -> dict[str, Any]:
    variables = [
        {"name": f"v{index}", "secret": True, "defaultValue": default}
        for index, default in enumerate(defaults)
    ]
    return {"name": "flow", "variables": variables, "steps": [STEP]}


def places(answer: Any) -> list[str]:
    return [each["attr"] for each in answer.json()["warnings"]]


def test_validating_and_saving_tell(editor: APIClient) -> None:
    flow = document("tiger", "long enough", "${uuid()}")

    checked = editor.post("/api/v1/flows/validate", flow)
    saved = editor.post("/api/v1/flows", flow)

    assert checked.json()["valid"] is True
    assert places(checked) == places(saved) == ["variables.0.defaultValue"]
    back = editor.put(f"/api/v1/flows/{saved.json()['id']}", saved.json())
    assert back.status_code == 200, "what was read can be sent back"
    assert places(back) == ["variables.0.defaultValue"]
    assert "warnings" not in editor.post("/api/v1/flows/validate", {"name": "no steps"}).json()


def test_a_lost_key_is_told_and_the_default_can_be_given_again(editor: APIClient, use_keys: UseKeys) -> None:
    saved = editor.post("/api/v1/flows", document("the one lost")).json()
    use_keys()

    refused = editor.post("/api/v1/flows/run", {"flowId": saved["id"]})
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["code"] == "secret_unreadable"
    assert "Enter the secret again" in refused.json()["errors"][0]["detail"]
    assert editor.get(f"/api/v1/flows/{saved['id']}").status_code == 200

    masked = editor.put(f"/api/v1/flows/{saved['id']}", saved)
    assert [each["attr"] for each in masked.json()["errors"]] == ["variables.0.defaultValue"]
    again = editor.put(f"/api/v1/flows/{saved['id']}", document("given anew"))
    assert (again.status_code, again.json()["version"]) == (200, 2)
    assert editor.post("/api/v1/flows/run", {"flowId": saved["id"]}).status_code == 201


def test_a_run_tells_of_the_values_that_it_was_given(editor: APIClient) -> None:
    variables = [{"name": "pin", "secret": True}, {"name": "long", "secret": True}]
    values = [{"name": "pin", "value": "4711"}, {"name": "long", "value": "long enough"}]

    short = editor.post(
        "/api/v1/flows/run", {"flow": {**document(), "variables": variables}, "variables": values}
    )
    none = editor.post("/api/v1/flows/run", {"flow": document("long enough")})

    assert places(short) == ["variables.pin"]
    assert "warnings" not in none.json()
