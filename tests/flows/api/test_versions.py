"""REST of versions: list, read, restore, compare."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.cast import ApiFor
from tests.flows.sample_documents import flow, get, wait

URL = "/api/v1/flows"


@pytest.fixture
def client(api: ApiFor, bob: User) -> APIClient:
    return api(bob)


@pytest.fixture
def url(client: APIClient) -> str:
    """A flow with two versions: wait; get, wait (slower), and a description."""
    created = client.post(URL, flow(wait())).json()
    (step,) = created["steps"]
    changed = {**created, "description": "more", "steps": [get("before"), {**step, "meta": {"delayMs": 2}}]}
    assert client.put(f"{URL}/{created['id']}", changed).json()["version"] == 2
    return f"{URL}/{created['id']}"


def test_list(client: APIClient, url: str) -> None:
    page = client.get(f"{url}/versions").json()

    assert (page["count"], [each["version"] for each in page["results"]]) == (2, [2, 1])
    assert "steps" not in page["results"][0]


def test_read(client: APIClient, url: str) -> None:
    version = client.get(f"{url}/versions/1").json()

    assert (version["version"], version["description"], len(version["steps"])) == (1, "", 1)
    for unknown in (0, 3, 10**12):
        assert client.get(f"{url}/versions/{unknown}").status_code == 404


def test_restore(client: APIClient, url: str, api: ApiFor, vera: User) -> None:
    assert api(vera).post(f"{url}/versions/1/restore").status_code == 403

    restored = client.post(f"{url}/versions/1/restore").json()

    assert (restored["version"], restored["description"], len(restored["steps"])) == (3, "", 1)
    assert client.get(url).json() == restored
    assert client.post(f"{url}/versions/9/restore").status_code == 404


def test_diff(client: APIClient, url: str) -> None:
    answer = client.get(f"{url}/diff?from=1&to=2").json()

    changes = {(each["path"], each["kind"]): each for each in answer["changes"]}
    assert set(changes) == {
        ("description", "changed"),
        ("steps.before", "added"),
        ("steps.wait.meta.delayMs", "changed"),
    }
    delay = changes["steps.wait.meta.delayMs", "changed"]
    assert (delay["before"], delay["after"]) == (1, 2)
    assert "-    delayMs: 1\n+    delayMs: 2" in answer["yaml"]
    assert client.get(f"{url}/diff").json() == answer


@pytest.mark.parametrize("query", ["from=0", "to=9", "from=x", "to=99999999999999999999", "from=²"])
def test_a_diff_needs_versions(client: APIClient, url: str, query: str) -> None:
    response = client.get(f"{url}/diff?{query}")

    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == query.partition("=")[0]


def test_an_outsider_finds_nothing(api: ApiFor, charlie: User, url: str) -> None:
    client: Any = api(charlie)
    for path in ("versions", "versions/1", "diff?from=1&to=2"):
        assert client.get(f"{url}/{path}").status_code == 404
    assert client.post(f"{url}/versions/1/restore").status_code == 404
