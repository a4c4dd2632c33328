"""Run requests: saved flows, drafts, re-runs; what is wrong is said at its place, all at once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Team, User
from executions.models import Execution
from executions.states import ExecutionStatus
from flows.models import Flow
from flows.selectors import check_for_team
from flows.services import create_flow, delete_flow, save_version
from resources.models import Environment
from tests.cast import ApiFor, PageFor

pytestmark = pytest.mark.django_db
RUN = "/api/v1/flows/run"
DOCUMENT: dict[str, Any] = {
    "name": "Order is fulfilled",
    "labels": ["shop"],
    "variables": [
        {"name": "base_url", "type": "string", "required": True},
        {"name": "quantity", "type": "integer", "defaultValue": 2},
        {"name": "api_key", "type": "string", "secret": True, "defaultValue": "secret-key"},
    ],
    "steps": [
        {"name": "pause", "stepType": "delay", "meta": {"delayMs": 10}},
        {"name": "again", "stepType": "delay", "meta": {"delayMs": 20}},
    ],
}
BASE_URL = [{"name": "base_url", "value": "http://127.0.0.1:1"}]


@pytest.fixture
def flow(team: Team, alice: User) -> Flow:
    return create_flow(team=team, user=alice, document=check_for_team(team, DOCUMENT))


def attrs(response: Any) -> list[str]:
    assert response.status_code == 400, response.json()
    return sorted(str(error["attr"]) for error in response.json()["errors"])


class TestSavedFlow:
    def test_answers_at_once_with_the_execution(self, api: ApiFor, bob: User, flow: Flow) -> None:
        body = {"flowId": str(flow.pk), "variables": BASE_URL, "labels": ["nightly"]}
        response = api(bob).post(RUN, body)
        assert response.status_code == 201, response.json()
        shown = response.json()
        assert (shown["status"], shown["flowId"], shown["flowVersion"]) == ("PENDING", str(flow.pk), 1)
        assert [step["status"] for step in shown["steps"]] == ["PENDING", "PENDING"]
        assert (shown["source"], shown["userId"]) == ("API", str(bob.pk))
        assert shown["labels"] == ["shop", "nightly"]
        assert "secret-key" not in response.content.decode()
        assert api(bob).get(f"/api/v1/executions/{shown['id']}").json() == shown

    def test_by_its_own_address(self, api: ApiFor, bob: User, flow: Flow) -> None:
        response = api(bob).post(f"/api/v1/flows/{flow.pk}/run", {"variables": BASE_URL})
        assert response.status_code == 201
        assert response.json()["flowId"] == str(flow.pk)
        twice = {"variables": BASE_URL, "flowId": str(uuid4())}
        assert attrs(api(bob).post(f"/api/v1/flows/{flow.pk}/run", twice)) == ["flowId"]

    def test_version(self, api: ApiFor, bob: User, team: Team, flow: Flow) -> None:
        newer = check_for_team(team, {**DOCUMENT, "name": "Newer"}, flow=flow)
        save_version(flow=flow, user=bob, document=newer)
        body = {"flowId": str(flow.pk), "variables": BASE_URL}
        assert api(bob).post(RUN, {**body, "version": 1}).json()["flowName"] == "Order is fulfilled"
        assert api(bob).post(RUN, body).json()["flowVersion"] == 2
        assert attrs(api(bob).post(RUN, {**body, "version": 3})) == ["version"]

    def test_initial_delay_as_text_or_number(self, api: ApiFor, bob: User, flow: Flow) -> None:
        for delay in ("5000", 5000):
            body = {"flowId": str(flow.pk), "variables": BASE_URL, "parameters": {"initialDelay": delay}}
            shown = api(bob).post(RUN, body).json()
            assert Execution.objects.get(pk=shown["id"]).initial_delay_ms == 5000

    @pytest.mark.parametrize("delay", ["x", -1, 7 * 24 * 3_600_000 + 1, True, "1e3", [], "9" * 5_000])
    def test_bad_initial_delay(self, api: ApiFor, bob: User, flow: Flow, delay: Any) -> None:
        body = {"flowId": str(flow.pk), "variables": BASE_URL, "parameters": {"initialDelay": delay}}
        assert attrs(api(bob).post(RUN, body)) == ["parameters.initialDelay"]

    def test_all_wrong_variables_at_once(self, api: ApiFor, bob: User, flow: Flow) -> None:
        given = [{"name": "quantity", "value": "many"}, {"name": "unknown", "value": 1}]
        response = api(bob).post(RUN, {"flowId": str(flow.pk), "variables": given})
        assert attrs(response) == ["variables.0.value", "variables.1.name", "variables.base_url"]
        assert not Execution.objects.exists()

    @pytest.mark.parametrize(
        ("changed", "place"),
        [
            ({"variables": "x"}, "variables"),
            ({"variables": [{"value": 1}]}, "variables.0.name"),
            ({"labels": [""]}, "labels.0"),
            ({"labels": ["x"] * 51}, "labels"),
            ({"version": 0}, "version"),
            ({"version": 2**40}, "version"),
            ({"environmentId": "x"}, "environmentId"),
            ({"environmentId": str(uuid4())}, "environmentId"),
            ({"flowId": "x"}, "flowId"),
            ({"flowId": None}, "flowId"),
            ({"flow": DOCUMENT}, "flowId"),
            ({"variable": []}, "variable"),
            ({"parameters": {"initialdelay": 5}}, "parameters.initialdelay"),
            ({"variables": [{"name": "base_url", "value": "x", "typ": "string"}]}, "variables.0.typ"),
        ],
    )
    def test_bad_requests_say_where(
        self, api: ApiFor, bob: User, flow: Flow, changed: dict[str, Any], place: str
    ) -> None:
        body = {"flowId": str(flow.pk), "variables": BASE_URL, **changed}
        found = attrs(api(bob).post(RUN, body))
        assert all(each.startswith(place) for each in found)

    @pytest.mark.parametrize("body", [[], "x", 1, None])
    def test_what_is_no_object(self, api: ApiFor, bob: User, body: Any) -> None:
        assert api(bob).post(RUN, body, format="json").status_code == 400

    def test_environment_of_the_team(
        self, api: ApiFor, bob: User, flow: Flow, team: Team, other_team: Team
    ) -> None:
        variables = [{"name": "base_url", "type": "string", "value": "http://127.0.0.1:2"}]
        staging = Environment.objects.create(team=team, name="staging", variables=variables)
        foreign = Environment.objects.create(team=other_team, name="staging", variables=variables)
        body = {"flowId": str(flow.pk), "environmentId": str(staging.pk)}
        assert api(bob).post(RUN, body).json()["environmentId"] == str(staging.pk)
        assert attrs(api(bob).post(RUN, {**body, "environmentId": str(foreign.pk)})) == ["environmentId"]

    def test_deleted_flow(self, api: ApiFor, bob: User, flow: Flow) -> None:
        delete_flow(flow=flow)
        assert api(bob).post(RUN, {"flowId": str(flow.pk)}).status_code == 404

    @pytest.mark.parametrize(("who", "status"), [("vera", 403), ("charlie", 404)])
    def test_not_by_everybody(
        self, api: ApiFor, request: pytest.FixtureRequest, flow: Flow, who: str, status: int
    ) -> None:
        client = api(request.getfixturevalue(who))
        body = {"flowId": str(flow.pk), "variables": BASE_URL}
        assert client.post(RUN, body).status_code == status
        assert client.post(f"/api/v1/flows/{flow.pk}/run", body).status_code == status
        assert not Execution.objects.exists()

    def test_a_page_is_its_own_source(self, page: PageFor, bob: User, flow: Flow) -> None:
        body = {"flowId": str(flow.pk), "variables": BASE_URL}
        response = page(bob).post(RUN, body, content_type="application/json")
        assert response.json()["source"] == "PAGE"


class TestIdempotency:
    def test_a_repeat_answers_the_first_execution(
        self, api: ApiFor, bob: User, alice: User, flow: Flow
    ) -> None:
        body = {"flowId": str(flow.pk), "variables": BASE_URL}
        headers = {"Idempotency-Key": "deploy-42"}
        first = api(bob).post(RUN, body, headers=headers)
        again = api(bob).post(RUN, body, headers=headers)
        assert first.json() == again.json()
        assert Execution.objects.count() == 1
        assert api(alice).post(RUN, body, headers=headers).json()["id"] != first.json()["id"]

    def test_the_same_request_may_be_written_in_another_way(self, api: ApiFor, bob: User, flow: Flow) -> None:
        headers = {"Idempotency-Key": "k"}
        [value] = BASE_URL
        bodies: list[tuple[str, dict[str, Any]]] = [
            (RUN, {"flowId": str(flow.pk), "variables": [value]}),
            (RUN, {"variables": [dict(reversed(value.items()))], "flowId": str(flow.pk).upper()}),
            (
                RUN,
                {
                    "flowId": str(flow.pk),
                    "variables": [value],
                    "labels": [],
                    "parameters": {"initialDelay": "0"},
                },
            ),
            (f"/api/v1/flows/{flow.pk}/run", {"variables": [value], "environmentId": None, "version": None}),
        ]
        ids = {api(bob).post(path, body, headers=headers).json()["id"] for path, body in bodies}
        assert len(ids) == 1

    def test_a_key_is_for_one_request(self, api: ApiFor, bob: User, team: Team, flow: Flow) -> None:
        headers = {"Idempotency-Key": "k"}
        body: dict[str, Any] = {"flowId": str(flow.pk), "variables": BASE_URL}
        first = api(bob).post(RUN, body, headers=headers).json()
        other = api(bob).post("/api/v1/flows", {**DOCUMENT, "name": "Other"}).json()
        others: list[tuple[str, dict[str, Any]]] = [
            (RUN, {**body, "flowId": other["id"]}),
            (f"/api/v1/flows/{other['id']}/run", {"variables": BASE_URL}),
            (RUN, {**body, "variables": [{"name": "base_url", "value": "http://other.test"}]}),
            (RUN, {**body, "labels": ["x"]}),
            (RUN, {**body, "version": 1}),
            (RUN, {**body, "parameters": {"initialDelay": 5}}),
            (RUN, {"flow": DOCUMENT, "variables": BASE_URL}),
            (f"/api/v1/executions/{first['id']}/rerun", {}),
        ]
        for path, other_body in others:
            answer = api(bob).post(path, other_body, headers=headers)
            assert answer.status_code == 409, (path, other_body)
            [error] = answer.json()["errors"]
            assert error["code"] == "idempotency_key_reused"
            assert first["id"] in error["detail"]
        assert Execution.objects.count() == 1

    def test_drafts_and_re_runs(self, api: ApiFor, bob: User, team: Team) -> None:
        draft: dict[str, Any] = {"flow": DOCUMENT, "variables": BASE_URL}
        first = api(bob).post(RUN, draft, headers={"Idempotency-Key": "d"}).json()["id"]
        assert api(bob).post(RUN, draft, headers={"Idempotency-Key": "d"}).json()["id"] == first
        changed = {**draft, "flow": {**DOCUMENT, "name": "Changed"}}
        assert api(bob).post(RUN, changed, headers={"Idempotency-Key": "d"}).status_code == 409
        path = f"/api/v1/executions/{first}/rerun"
        again = {api(bob).post(path, body, headers={"Idempotency-Key": "r"}).json()["id"]
                 for body in ({}, {"version": "SAME"}, {"version": "same"})}  # fmt: skip
        assert len(again) == 1
        assert again != {first}
        assert api(bob).post(path, {"fromStep": "pause"}, headers={"Idempotency-Key": "r"}).status_code == 409

    def test_runs_of_the_release_before_have_no_fingerprint(self, api: ApiFor, bob: User, flow: Flow) -> None:
        headers = {"Idempotency-Key": "k"}
        first = api(bob).post(RUN, {"flowId": str(flow.pk), "variables": BASE_URL}, headers=headers).json()
        Execution.objects.update(request_fingerprint="")
        body = {"flowId": str(flow.pk), "variables": BASE_URL, "labels": ["x"]}
        assert api(bob).post(RUN, body, headers=headers).json()["id"] == first["id"]

    def test_the_answer_shows_the_execution_before_it_began(
        self, api: ApiFor, bob: User, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def begin_at_once(execution_id: Any, *_: Any, **__: Any) -> None:
            Execution.objects.filter(pk=execution_id).update(status=ExecutionStatus.IN_PROGRESS)

        monkeypatch.setattr("executions.broker.chain.publish_on_commit", begin_at_once)
        response = api(bob).post(RUN, {"flowId": str(flow.pk), "variables": BASE_URL})
        assert response.json()["status"] == "PENDING"

    def test_too_long(self, api: ApiFor, bob: User, flow: Flow) -> None:
        body = {"flowId": str(flow.pk), "variables": BASE_URL}
        assert attrs(api(bob).post(RUN, body, headers={"Idempotency-Key": "x" * 201})) == ["Idempotency-Key"]


class TestDraft:
    def test_runs_without_being_saved(self, api: ApiFor, bob: User, team: Team) -> None:
        response = api(bob).post(RUN, {"flow": DOCUMENT, "variables": BASE_URL})
        assert response.status_code == 201, response.json()
        shown = response.json()
        assert (shown["flowId"], shown["flowVersion"], shown["teamId"]) == (None, None, str(team.pk))
        assert not Flow.objects.exists()

    def test_its_problems_have_places(self, api: ApiFor, bob: User) -> None:
        step = {"name": "pause", "stepType": "delay", "meta": {"delayMs": -1, "x": 1}}
        found = attrs(api(bob).post(RUN, {"flow": {"name": "x", "steps": [step]}}))
        assert "flow.steps.0.meta.delayMs" in found
        assert all(place.startswith("flow.") for place in found)

    def test_foreign_team_and_viewer(self, api: ApiFor, bob: User, vera: User, other_team: Team) -> None:
        body = {"flow": DOCUMENT, "variables": BASE_URL}
        assert attrs(api(bob).post(RUN, {**body, "teamId": str(other_team.pk)})) == ["teamId"]
        assert api(vera).post(RUN, body).status_code == 403


class TestRerun:
    @pytest.fixture
    def execution(self, api: ApiFor, bob: User, flow: Flow) -> Execution:
        """A finished run whose second step failed."""
        shown = api(bob).post(RUN, {"flowId": str(flow.pk), "variables": BASE_URL}).json()
        execution = Execution.objects.get(pk=shown["id"])
        execution.steps.filter(position=0).update(status="SUCCESS")
        execution.steps.filter(position=1).update(status="FAILED")
        Execution.objects.filter(pk=execution.pk).update(status=ExecutionStatus.FAILED, look_at=None)
        return execution

    @pytest.mark.parametrize(
        ("body", "reused"),
        [
            ({}, [False, False]),
            ({"from": "start"}, [False, False]),
            ({"from": "FAILED"}, [True, False]),
            ({"fromStep": "again", "version": "latest"}, [True, False]),
        ],
    )
    def test_from(
        self, api: ApiFor, bob: User, execution: Execution, body: dict[str, Any], reused: list[bool]
    ) -> None:
        response = api(bob).post(f"/api/v1/executions/{execution.pk}/rerun", body)
        assert response.status_code == 201, response.json()
        assert response.json()["rerunOf"] == str(execution.pk)
        assert [step["reused"] for step in response.json()["steps"]] == reused

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ({"from": "MIDDLE"}, "from"),
            ({"from": "START", "fromStep": "again"}, "fromStep"),
            ({"fromStep": "nowhere"}, "fromStep"),
            ({"version": "OLDEST"}, "version"),
            ({"form": "FAILED"}, "form"),
        ],
    )
    def test_bad_requests(
        self, api: ApiFor, bob: User, execution: Execution, body: dict[str, Any], place: str
    ) -> None:
        assert attrs(api(bob).post(f"/api/v1/executions/{execution.pk}/rerun", body)) == [place]

    @pytest.mark.parametrize(("who", "status"), [("vera", 403), ("charlie", 404)])
    def test_not_by_everybody(
        self, api: ApiFor, request: pytest.FixtureRequest, execution: Execution, who: str, status: int
    ) -> None:
        user = request.getfixturevalue(who)
        assert api(user).post(f"/api/v1/executions/{execution.pk}/rerun").status_code == status
