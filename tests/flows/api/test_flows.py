"""REST of flows: create, read, list, save, delete."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, User
from flows.models import Flow
from tests.cast import ApiFor
from tests.flows.sample_documents import ORDER, flow, get, wait

URL = "/api/v1/flows"


@pytest.fixture
def saved(api: ApiFor, alice: User) -> dict[str, Any]:
    response = api(alice).post(URL, flow(wait(), labels=["smoke", "nächtlich"]))
    assert response.status_code == 201, response.json()
    result: dict[str, Any] = response.json()
    return result


class TestCreate:
    def test_it_works(self, api: ApiFor, bob: User, team: Team) -> None:
        response = api(bob).post(URL, ORDER, content_type="application/yaml")

        created = response.json()
        assert response.status_code == 201
        assert (created["name"], created["version"], created["teamId"]) == (
            "Order is fulfilled",
            1,
            str(team.pk),
        )
        assert created["createdBy"] == str(bob.pk)
        assert isinstance(created["createdAt"], int)
        assert [step["name"] for step in created["steps"]] == ["create_order", "fulfilled"]
        assert api(bob).get(f"{URL}/{created['id']}").json() == created

    def test_a_viewer_may_not(self, api: ApiFor, vera: User) -> None:
        assert api(vera).post(URL, flow(wait())).status_code == 403

    def test_a_strangers_team_is_unknown(self, api: ApiFor, charlie: User, team: Team) -> None:
        response = api(charlie).post(URL, flow(wait(), teamId=str(team.pk)))

        assert response.status_code == 400
        assert response.json()["errors"][0]["attr"] == "teamId"

    def test_all_problems_are_told_at_their_places(self, api: ApiFor, alice: User) -> None:
        response = api(alice).post(
            URL, flow(get(url="${nope}"), wait("get"), {"name": "x", "stepType": "dely"})
        )

        assert response.status_code == 400
        assert response.json()["type"] == "validation_error"
        assert {(each["attr"], each["code"]) for each in response.json()["errors"]} == {
            ("steps.0.meta.url", "unknown_reference"),
            ("steps.1.name", "duplicate_name"),
            ("steps.2.stepType", "unknown_step_type"),
        }

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            ("{", "application/json", 400),
            ("a: [", "application/yaml", 400),
            ("a: *b", "application/yaml", 400),
            ("[1]", "application/json", 400),
            ("null", "application/json", 400),
            ('{"name": NaN}', "application/json", 400),
            ("[" * 100_000, "application/json", 400),
            ("[" * 100_000, "application/yaml", 400),
            ("", "application/yaml", 400),
            ("a: 1\n--- \nb: 2", "application/yaml", 400),
            ("name: x", "text/csv", 415),
        ],
    )
    def test_bad_bodies_are_refused(
        self, api: ApiFor, alice: User, body: str, content_type: str, status: int
    ) -> None:
        response = api(alice).post(URL, body, content_type=content_type)

        assert response.status_code == status, response.content
        assert response.json()["errors"][0]["detail"]

    @pytest.mark.parametrize("content_type", ["application/json", "application/yaml"])
    def test_a_large_body_is_refused(self, api: ApiFor, alice: User, content_type: str) -> None:
        body = '{"name": "' + "x" * django_settings.MAX_REQUEST_BYTES + '"}'

        assert api(alice).post(URL, body, content_type=content_type).status_code == 413

    def test_five_thousand_steps_are_refused(self, api: ApiFor, alice: User) -> None:
        response = api(alice).post(URL, flow(*(wait(f"s{number}") for number in range(5_000))))

        assert response.status_code == 400
        assert [each["code"] for each in response.json()["errors"]] == ["too_many_steps"]


class TestRead:
    def test_an_outsider_finds_nothing(self, api: ApiFor, charlie: User, saved: dict[str, Any]) -> None:
        client, url = api(charlie), f"{URL}/{saved['id']}"
        for response in (
            client.get(url),
            client.put(url, flow(wait())),
            client.patch(url, {}),
            client.delete(url),
        ):
            assert response.status_code == 404
        assert client.get(URL).json()["count"] == 0

    def test_unknown_ids_are_404(self, api: ApiFor, alice: User) -> None:
        assert api(alice).get(f"{URL}/{uuid.uuid4()}").status_code == 404
        assert api(alice).get(f"{URL}/17").status_code == 404

    @pytest.mark.parametrize("how", [{"data": {"format": "yaml"}}, {"HTTP_ACCEPT": "application/yaml"}])
    def test_yaml_can_be_sent_back(
        self, api: ApiFor, alice: User, saved: dict[str, Any], how: dict[str, Any]
    ) -> None:
        text = api(alice).get(f"{URL}/{saved['id']}", **how)

        response = api(alice).put(f"{URL}/{saved['id']}", text.content, content_type="application/yaml")

        assert text.headers["Content-Type"].startswith("application/yaml")
        assert response.json() == saved

    def test_lists_search_and_filter(
        self, api: ApiFor, alice: User, saved: dict[str, Any], team: Team
    ) -> None:
        other = api(alice).post(URL, flow(wait(), name="Other", description="pays a bill")).json()

        def found(**query: str) -> list[str]:
            return [each["id"] for each in api(alice).get(URL, query).json()["results"]]

        assert found(ordering="name") == [saved["id"], other["id"]]
        assert found(ordering="-createdAt") == [other["id"], saved["id"]]
        assert found(search="bill") == [other["id"]]
        assert found(search="smoke") == [saved["id"]]
        assert found(label="smoke") == found(label="nächtlich") == [saved["id"]]
        assert found(label="smok") == []
        assert len(found(teamId=str(team.pk), createdBy=str(alice.pk))) == 2
        assert found(createdBy=str(uuid.uuid4())) == []
        assert api(alice).get(URL, {"createdBy": "me"}).status_code == 400

    def test_the_number_of_queries_is_constant(
        self, api: ApiFor, alice: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(5):
            api(alice).post(URL, flow(wait(), name=f"Flow {number}"))

        with django_assert_num_queries(3):  # count, flows with teams, newest versions
            assert len(api(alice).get(URL).json()["results"]) == 5


class TestSave:
    def test_every_change_is_the_next_version(self, api: ApiFor, bob: User, saved: dict[str, Any]) -> None:
        url = f"{URL}/{saved['id']}"

        changed = api(bob).put(url, {**saved, "description": "changed"}).json()
        same = api(bob).put(url, changed).json()

        assert (changed["version"], changed["description"]) == (2, "changed")
        assert changed["steps"] == saved["steps"]
        assert same == changed

    def test_a_stale_base_is_a_conflict(self, api: ApiFor, alice: User, saved: dict[str, Any]) -> None:
        url = f"{URL}/{saved['id']}"
        assert api(alice).put(url, {**saved, "name": "Two", "baseVersion": 1}).status_code == 200

        response = api(alice).put(url, {**saved, "name": "Three", "baseVersion": 1})

        assert response.status_code == 409
        assert response.json()["errors"][0]["code"] == "stale_version"
        assert api(alice).put(url, {**saved, "baseVersion": "one"}).status_code == 400

    def test_patch_keeps_the_rest(self, api: ApiFor, alice: User, saved: dict[str, Any]) -> None:
        patched = api(alice).patch(f"{URL}/{saved['id']}", {"name": "New"}).json()

        assert (patched["name"], patched["labels"], patched["version"]) == ("New", saved["labels"], 2)

    def test_a_viewer_may_read_only(self, api: ApiFor, vera: User, saved: dict[str, Any]) -> None:
        client, url = api(vera), f"{URL}/{saved['id']}"

        assert client.get(url).status_code == 200
        assert client.put(url, saved).status_code == 403
        assert client.patch(url, {}).status_code == 403
        assert client.delete(url).status_code == 403

    def test_a_flow_stays_in_its_team(
        self, api: ApiFor, alice: User, other_team: Team, saved: dict[str, Any]
    ) -> None:
        response = api(alice).put(f"{URL}/{saved['id']}", {**saved, "teamId": str(other_team.pk)})

        assert response.json()["errors"][0]["attr"] == "teamId"

    def test_secret_defaults_never_leave_and_stay(self, api: ApiFor, alice: User) -> None:
        variable = {"name": "key", "secret": True, "defaultValue": "hunter2hunter2"}
        created = api(alice).post(URL, flow(wait(), variables=[variable]))
        url = f"{URL}/{created.json()['id']}"

        changed = api(alice).put(url, {**created.json(), "description": "more"})

        assert b"hunter2" not in created.content + changed.content
        assert changed.json()["variables"][0]["defaultValue"] == "••••••"
        versions = Flow.objects.get().versions.all()
        assert [version.secrets for version in versions] == [{"key": "hunter2hunter2"}] * 2


def test_delete_is_soft(api: ApiFor, alice: User, saved: dict[str, Any]) -> None:
    url = f"{URL}/{saved['id']}"

    assert api(alice).delete(url).status_code == 204
    assert api(alice).get(url).status_code == 404
    assert api(alice).get(URL).json()["count"] == 0
    assert Flow.objects.get().versions.count() == 1
