"""Listing, reading, deleting, cancelling, comparing executions."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest

from accounts.models import Team, User
from executions.models import Execution
from executions.presentation import LARGEST_RESPONSE, milliseconds
from executions.states import ExecutionStatus, Source, StepStatus
from tests.cast import ApiFor
from tests.executions.rows import START, make_attempt, make_execution, make_step, make_steps

pytestmark = pytest.mark.django_db
BASE = "/api/v1/executions"
COMPLETED = ExecutionStatus.COMPLETED


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.json()
    return [row["id"] for row in response.json()["results"]]


class TestList:
    def test_newest_first_without_steps(self, api: ApiFor, vera: User, team: Team) -> None:
        old = make_execution(team)
        new = make_execution(team, created_at=START + timedelta(seconds=1))
        response = api(vera).get(BASE)
        assert ids(response) == [str(new.pk), str(old.pk)]
        assert set(response.json()) == {"next", "previous", "results"}
        assert "steps" not in response.json()["results"][0]
        assert ids(api(vera).get(BASE, {"ordering": "createdAt"})) == [str(old.pk), str(new.pk)]

    def test_outsider_sees_nothing(self, api: ApiFor, charlie: User, team: Team) -> None:
        make_execution(team)
        assert ids(api(charlie).get(BASE)) == []

    def test_needs_a_login(self, client: Any, team: Team) -> None:
        assert client.get(BASE).status_code == 401

    def test_cursor_pages_show_every_row_once(self, api: ApiFor, vera: User, team: Team) -> None:
        made = [make_execution(team, created_at=START + timedelta(seconds=n // 3)) for n in range(11)]
        seen: list[str] = []
        address: str | None = f"{BASE}?pageSize=4"
        while address:
            response = api(vera).get(address)
            seen += ids(response)
            address = response.json()["next"]
        assert len(seen) == 11
        assert set(seen) == {str(each.pk) for each in made}

    @pytest.mark.parametrize("cursor", ["x", "bz0x", "cD0lMDA=", "cD1hYmM="])
    def test_bad_cursor(self, api: ApiFor, vera: User, team: Team, cursor: str) -> None:
        assert api(vera).get(BASE, {"cursor": cursor}).status_code in (200, 400, 404)

    def test_children_are_hidden_unless_their_parent_is_named(
        self, api: ApiFor, vera: User, team: Team
    ) -> None:
        parent = make_execution(team)
        child = make_execution(team, parent=parent, source=Source.FLOW)
        assert ids(api(vera).get(BASE)) == [str(parent.pk)]
        assert ids(api(vera).get(BASE, {"parentExecutionId": str(parent.pk)})) == [str(child.pk)]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"status": "failed"}, True),
            ({"status": "Failed,cancelled"}, True),
            ({"status": "COMPLETED"}, False),
            ({"source": "page"}, True),
            ({"source": "CLI"}, False),
            ({"label": "nightly"}, True),
            ({"label": "night"}, False),
            ({"label": 'größe "x"'}, True),
            ({"search": "FULFILLED"}, True),
            ({"search": "refund"}, False),
            ({"since": milliseconds(START)}, True),
            ({"since": (milliseconds(START) or 0) + 1_000}, False),
            ({"until": (milliseconds(START) or 0) + 1_000}, True),
            ({"until": milliseconds(START)}, False),
            ({"flowId": str(uuid4())}, False),
            ({"userId": str(uuid4())}, False),
            ({"teamId": str(uuid4())}, False),
        ],
    )
    def test_filters(self, api: ApiFor, vera: User, team: Team, query: dict[str, Any], found: bool) -> None:
        make_execution(
            team, status=ExecutionStatus.FAILED, source=Source.PAGE, labels=["nightly", 'größe "x"']
        )
        assert len(ids(api(vera).get(BASE, query))) == int(found)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("status", "DONE"),
            ("source", "X"),
            ("flowId", "x"),
            ("since", "yesterday"),
            ("since", "1e99"),
            ("until", "-1"),
            ("until", "NaN"),
        ],
    )
    def test_bad_filters_say_where(self, api: ApiFor, vera: User, name: str, value: str) -> None:
        response = api(vera).get(BASE, {name: value})
        assert response.status_code == 400
        assert response.json()["errors"][0]["attr"] == name

    @pytest.mark.parametrize("name", ["label", "search", "status"])
    def test_null_characters(self, api: ApiFor, vera: User, name: str) -> None:
        assert api(vera).get(BASE, {name: "a\x00b"}).status_code == 400

    @pytest.mark.parametrize("rows", [1, 20])
    def test_same_queries_for_every_length(
        self, api: ApiFor, vera: User, team: Team, rows: int, django_assert_num_queries: Any
    ) -> None:
        for _ in range(rows):
            make_execution(team)
        with django_assert_num_queries(1):
            ids(api(vera).get(BASE))


class TestOne:
    def test_with_its_steps(self, api: ApiFor, vera: User, team: Team) -> None:
        execution = make_execution(team)
        make_steps(execution, 2)
        shown = api(vera).get(f"{BASE}/{execution.pk}").json()
        assert shown["id"] == str(execution.pk)
        assert [step["name"] for step in shown["steps"]] == ["step_0", "step_1"]

    def test_outsider(self, api: ApiFor, charlie: User, team: Team) -> None:
        assert api(charlie).get(f"{BASE}/{make_execution(team).pk}").status_code == 404

    @pytest.mark.parametrize("unknown", ["x", "0198c0de-0000-7000-8000-000000000000"])
    def test_unknown(self, api: ApiFor, vera: User, unknown: str) -> None:
        assert api(vera).get(f"{BASE}/{unknown}").status_code == 404

    def test_large_response_stays_in_the_database(self, api: ApiFor, vera: User, team: Team) -> None:
        execution = make_execution(team)
        make_step(execution, 0, response={"body": "x" * LARGEST_RESPONSE})
        make_step(execution, 1, response={"body": "é"})
        large, small = api(vera).get(f"{BASE}/{execution.pk}").json()["steps"]
        assert (large["response"], large["responseOmitted"]) == (None, True)
        assert (small["response"], small["responseOmitted"]) == ({"body": "é"}, False)

    @pytest.mark.parametrize("steps", [0, 1_000])
    def test_a_thousand_steps_are_quick_and_three_queries(
        self, api: ApiFor, vera: User, team: Team, steps: int, django_assert_num_queries: Any
    ) -> None:
        execution = make_execution(team)
        make_steps(execution, steps, response={"body": "x" * 1_000})
        began = time.monotonic()
        with django_assert_num_queries(3):
            assert len(api(vera).get(f"{BASE}/{execution.pk}").json()["steps"]) == steps
        assert time.monotonic() - began < 30


class TestDelete:
    def test_finished(self, api: ApiFor, bob: User, team: Team) -> None:
        execution = make_execution(team, status=COMPLETED)
        make_attempt(make_step(execution))
        assert api(bob).delete(f"{BASE}/{execution.pk}").status_code == 204
        assert not Execution.objects.exists()

    def test_running(self, api: ApiFor, bob: User, team: Team) -> None:
        execution = make_execution(team)
        assert api(bob).delete(f"{BASE}/{execution.pk}").status_code == 409
        assert Execution.objects.exists()

    @pytest.mark.parametrize(("who", "status"), [("vera", 403), ("charlie", 404)])
    def test_not_by_everybody(
        self, api: ApiFor, request: pytest.FixtureRequest, team: Team, who: str, status: int
    ) -> None:
        execution = make_execution(team, status=COMPLETED)
        user = request.getfixturevalue(who)
        assert api(user).delete(f"{BASE}/{execution.pk}").status_code == status


class TestStep:
    @pytest.mark.parametrize("by", ["id", "name"])
    def test_whole_with_attempts(self, api: ApiFor, vera: User, team: Team, by: str) -> None:
        response = {"body": "x" * LARGEST_RESPONSE}
        step = make_step(make_execution(team), response=response, attempts=2)
        make_attempt(step, 2)
        make_attempt(step, 1, status=StepStatus.FAILED, error={"code": "assertion", "message": "no"})
        key = step.pk if by == "id" else step.name
        shown = api(vera).get(f"{BASE}/{step.execution_id}/steps/{key}").json()
        assert (shown["response"], shown["responseOmitted"]) == (response, False)
        assert [(each["number"], each["status"]) for each in shown["attemptHistory"]] == [
            (1, "FAILED"),
            (2, "SUCCESS"),
        ]

    @pytest.mark.parametrize("unknown", ["step_9", "0198c0de-0000-7000-8000-000000000000"])
    def test_unknown(self, api: ApiFor, vera: User, team: Team, unknown: str) -> None:
        step = make_step(make_execution(team))
        assert api(vera).get(f"{BASE}/{step.execution_id}/steps/{unknown}").status_code == 404

    def test_step_of_another_execution(self, api: ApiFor, vera: User, team: Team) -> None:
        step = make_step(make_execution(team))
        other = make_execution(team)
        assert api(vera).get(f"{BASE}/{other.pk}/steps/{step.pk}").status_code == 404

    def test_outsider(self, api: ApiFor, charlie: User, team: Team) -> None:
        step = make_step(make_execution(team))
        assert api(charlie).get(f"{BASE}/{step.execution_id}/steps/{step.pk}").status_code == 404


class TestCancel:
    def test_pending(self, api: ApiFor, bob: User, team: Team) -> None:
        execution = make_execution(team, remaining=2)
        make_steps(execution, 2, status=StepStatus.PENDING)
        response = api(bob).post(f"{BASE}/{execution.pk}/cancel")
        assert response.status_code == 200
        assert response.json()["cancelRequestedAt"] is not None

    def test_over(self, api: ApiFor, bob: User, team: Team) -> None:
        execution = make_execution(team, status=COMPLETED)
        assert api(bob).post(f"{BASE}/{execution.pk}/cancel").status_code == 409

    @pytest.mark.parametrize(("who", "status"), [("vera", 403), ("charlie", 404)])
    def test_not_by_everybody(
        self, api: ApiFor, request: pytest.FixtureRequest, team: Team, who: str, status: int
    ) -> None:
        user = request.getfixturevalue(who)
        assert api(user).post(f"{BASE}/{make_execution(team).pk}/cancel").status_code == status


class TestCompare:
    def test_side_by_side(self, api: ApiFor, vera: User, team: Team) -> None:
        left, right = make_execution(team, status=COMPLETED), make_execution(team)
        make_step(left, duration_ms=10, response={"status": 200, "durationMs": 10})
        make_step(right, duration_ms=15, response={"status": 201, "durationMs": 15})
        shown = api(vera).get(f"{BASE}/{left.pk}/compare/{right.pk}").json()
        assert (shown["left"]["id"], shown["right"]["id"]) == (str(left.pk), str(right.pk))
        [pair] = shown["steps"]
        assert pair["durationChangeMs"] == 5
        assert pair["differences"] == [{"path": "status", "left": 200, "right": 201}]

    def test_with_a_stranger(self, api: ApiFor, vera: User, team: Team, other_team: Team) -> None:
        mine, other = make_execution(team), make_execution(other_team)
        assert api(vera).get(f"{BASE}/{mine.pk}/compare/{other.pk}").status_code == 404
        assert api(vera).get(f"{BASE}/{other.pk}/compare/{mine.pk}").status_code == 404


class TestJUnit:
    @pytest.mark.parametrize("accept", ["*/*", "application/xml", "application/json"])
    def test_whatever_is_accepted(self, api: ApiFor, vera: User, team: Team, accept: str) -> None:
        execution = make_execution(team, status=COMPLETED)
        make_steps(execution, 2)
        response = api(vera).get(f"{BASE}/{execution.pk}/junit.xml", headers={"accept": accept})
        assert response.headers["Content-Type"] == "application/xml; charset=utf-8"
        assert ET.fromstring(response.content).get("tests") == "2"  # noqa: S314  # our own

    def test_outsider(self, api: ApiFor, charlie: User, team: Team) -> None:
        response = api(charlie).get(f"{BASE}/{make_execution(team).pk}/junit.xml")
        assert response.status_code == 404
        assert response.json()["errors"][0]["code"] == "not_found"
