"""REST of environments: typed and secret variables, resource choices."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Team, User
from resources.models import Environment
from tests.cast import ApiFor
from tests.flows.sample_documents import flow, get

URL = "/api/v1/environments"
STAGING = {
    "name": "staging",
    "description": "Before production",
    "variables": [
        {"name": "base_url", "value": "https://staging.example", "type": "string"},
        {"name": "api_key", "value": "hunter2hunter2", "secret": True},
        {"name": "anything", "value": {"a": [1]}},
    ],
}


@pytest.fixture
def staging(api: ApiFor, alice: User) -> dict[str, Any]:
    response = api(alice).post(URL, STAGING)
    assert response.status_code == 201, response.json()
    result: dict[str, Any] = response.json()
    return result


def test_it_works(api: ApiFor, bob: User, staging: dict[str, Any], team: Team) -> None:
    found = api(bob).get(f"{URL}/{staging['id']}").json()

    assert found == staging
    assert found["teamId"] == str(team.pk)
    assert [each["value"] for each in found["variables"]] == ["https://staging.example", "••••••", {"a": [1]}]


def test_secret_values_are_encrypted_and_stay(api: ApiFor, bob: User, staging: dict[str, Any]) -> None:
    assert api(bob).put(f"{URL}/{staging['id']}", {**staging, "name": "stage"}).status_code == 200

    environment = Environment.objects.get()
    assert environment.name == "stage"
    assert environment.secrets == {"api_key": "hunter2hunter2"}
    assert environment.variables[1] == {"name": "api_key", "value": None, "secret": True}


def test_its_names_are_known_to_flows(api: ApiFor, alice: User, staging: dict[str, Any]) -> None:
    assert api(alice).post("/api/v1/flows", flow(get(url="${base_url}/x"))).status_code == 201
    assert api(alice).post("/api/v1/flows", flow(get(url="${base_uri}/x"))).status_code == 400


@pytest.mark.parametrize(
    ("variables", "places"),
    [
        (5, ["variables"]),
        ([5], ["variables.0"]),
        ([{"value": 1}], ["variables.0.name"]),
        ([{"name": "a b", "value": 1}], ["variables.0.name"]),
        ([{"name": "flow", "value": 1}], ["variables.0.name"]),
        ([{"name": "a", "value": 1}, {"name": "a", "value": 1}], ["variables.1.name"]),
        ([{"name": "a", "value": "x", "type": "integer"}], ["variables.0.value"]),
        ([{"name": "a", "value": 1, "type": "int"}], ["variables.0.type"]),
        ([{"name": "a", "value": "••••••", "secret": True}], ["variables.0.value"]),
        ([{"name": "a", "val": 1}, {"name": 1}], ["variables.0.val", "variables.1.name"]),
    ],
)
def test_what_is_wrong_is_told_at_its_place(
    api: ApiFor, alice: User, variables: Any, places: list[str]
) -> None:
    response = api(alice).post(URL, {"name": "x", "variables": variables})

    assert response.status_code == 400
    assert [each["attr"] for each in response.json()["errors"]] == places


def test_choices_are_resources_of_the_team(api: ApiFor, alice: User, staging: dict[str, Any]) -> None:
    resource = {"name": "shop-staging", "type": "http", "config": {"baseUrl": "https://s.example"}}
    shop = api(alice).post("/api/v1/resources", resource).json()
    url = f"{URL}/{staging['id']}"

    chosen = api(alice).patch(url, {"resources": {"shop": "shop-staging"}})
    assert chosen.json()["resources"] == {"shop": shop["id"]}
    refused = api(alice).patch(url, {"resources": {"shop": "shop-stagin"}})
    assert refused.json()["errors"][0]["attr"] == "resources.shop"

    step = get(url="/x")
    step["meta"]["resourceId"] = "shop"
    assert api(alice).post("/api/v1/flows", flow(step)).status_code == 201
    kept = api(alice).delete(f"/api/v1/resources/{shop['id']}")
    assert "environment staging" in kept.json()["errors"][0]["detail"]


def test_a_viewer_may_read_only(api: ApiFor, vera: User, staging: dict[str, Any]) -> None:
    url = f"{URL}/{staging['id']}"

    assert api(vera).get(url).status_code == 200
    assert api(vera).patch(url, {"name": "x"}).status_code == 403
    assert api(vera).delete(url).status_code == 403


def test_an_outsider_finds_nothing(api: ApiFor, charlie: User, staging: dict[str, Any]) -> None:
    url = f"{URL}/{staging['id']}"

    assert api(charlie).get(url).status_code == 404
    assert api(charlie).put(url, STAGING).status_code == 404
    assert api(charlie).delete(url).status_code == 404


def test_delete(api: ApiFor, alice: User, staging: dict[str, Any]) -> None:
    assert api(alice).delete(f"{URL}/{staging['id']}").status_code == 204
    assert not Environment.objects.exists()
