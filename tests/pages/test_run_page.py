"""The page of one run, as the server renders it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, User
from executions.models import Execution
from executions.pages.run_page import failures_of, outline, why
from executions.presentation import execution_json, step_json
from executions.states import ExecutionStatus, StepStatus
from tests.cast import PageFor
from tests.executions.rows import make_attempt, make_execution, make_step, make_steps

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(1)">'


@pytest.fixture
def run(team: Team, alice: User) -> Execution:
    return make_execution(team, user=alice, status=ExecutionStatus.COMPLETED)


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script id="run-data" type="application/json">(.*?)</script>', text)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_it_works(page: PageFor, alice: User, run: Execution) -> None:
    make_steps(run, 3)
    answer = page(alice).get(f"/executions/{run.id}")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Completed" in text
    assert "step_2" in text
    assert data_of(text)["execution"] == execution_json(run)
    assert data_of(text)["mayRun"] is True


def test_it_needs_a_sign_in(client: Client, run: Execution) -> None:
    assert client.get(f"/executions/{run.id}").status_code == 302


@pytest.mark.parametrize("path", ["", "/activity"])
def test_an_outsider_gets_404(page: PageFor, charlie: User, run: Execution, path: str) -> None:
    assert page(charlie).get(f"/executions/{run.id}{path}").status_code == 404


def test_a_viewer_cannot_run_or_cancel(page: PageFor, vera: User, run: Execution) -> None:
    text = page(vera).get(f"/executions/{run.id}").content.decode()
    assert data_of(text)["mayRun"] is False
    assert "data-rerun" not in text


def test_what_a_tested_system_says_never_becomes_markup(page: PageFor, alice: User, team: Team) -> None:
    run = make_execution(
        team, flow_name=HOSTILE, status=ExecutionStatus.FAILED, labels=[HOSTILE], error={"message": HOSTILE}
    )
    make_step(run, status=StepStatus.ERROR, error={"code": "x", "message": HOSTILE})
    text = page(alice).get(f"/executions/{run.id}").content.decode()
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert data_of(text)["steps"][0]["error"]["message"] == HOSTILE


def test_pages_hold_no_inline_scripts_styles_or_handlers(page: PageFor, alice: User, run: Execution) -> None:
    make_steps(run, 2)
    for path in (f"/executions/{run.id}", "/executions", "/flows", "/flows/new"):
        text = page(alice).get(path).content.decode()
        assert not re.search(r"<[^>]*\sstyle=", text), path
        assert not re.search(r"<[^>]*\son[a-z]+=", text), path
        scripts = re.findall(r"<script([^>]*)>", text)
        assert all("src=" in script or "application/json" in script for script in scripts), path
        assert "https://" not in re.sub(r"http://www\.w3\.org/\S+", "", text).replace("&quot;", ""), path


def test_the_failure_is_told_at_the_top(page: PageFor, alice: User, team: Team) -> None:
    run = make_execution(team, status=ExecutionStatus.FAILED)
    make_step(run, 0)
    make_step(
        run,
        1,
        name="order_fulfilled",
        status=StepStatus.FAILED,
        assertions=[
            {"field": "body.status", "operator": "equals", "passed": False, "message": "is REJECTED"}
        ],
    )
    text = page(alice).get(f"/executions/{run.id}").content.decode()
    notice = text.index('role="alert"')
    assert notice < text.index('id="timeline"')
    assert '#step=order_fulfilled">order_fulfilled</a></span><div>is REJECTED</div>' in text[notice:]


def test_a_thousand_steps_cost_no_more_statements(
    page: PageFor, alice: User, run: Execution, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    browser = page(alice)
    make_steps(run, 1_000, response={"body": "x" * 2_000})
    with django_assert_max_num_queries(10):
        answer = browser.get(f"/executions/{run.id}")
    assert len(data_of(answer.content.decode())["steps"]) == 1_000
    assert len(answer.content) < 1_000_000  # the responses stay on the server


def test_an_outline_agrees_with_rest(run: Execution) -> None:
    step = make_step(run, status=StepStatus.WAITING, attempts=2)
    shown, whole = outline(step), step_json(step)
    assert {name: value for name, value in shown.items() if name in whole} == {
        name: value for name, value in whole.items() if name in shown
    }
    assert set(shown) - set(whole) == {"group", "branch"}


def test_activity_gives_attempts_and_children(page: PageFor, alice: User, team: Team, run: Execution) -> None:
    once, thrice = make_step(run, 0), make_step(run, 1, attempts=3)
    make_attempt(once)
    for number in (1, 2, 3):
        make_attempt(thrice, number, status="FAILED" if number < 3 else "SUCCESS")
    child = make_execution(team, parent=run, parent_position=1, flow_name="sub")
    answer = page(alice).get(f"/executions/{run.id}/activity").json()
    assert list(answer["ticks"]) == [str(thrice.id)]
    assert [tick[:2] for tick in answer["ticks"][str(thrice.id)]] == [
        [1, "FAILED"],
        [2, "FAILED"],
        [3, "SUCCESS"],
    ]
    assert answer["children"] == [
        {"id": str(child.id), "position": 1, "flowName": "sub", "status": "IN_PROGRESS"}
    ]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"assertions": [{"passed": True}, {"passed": False, "message": "differs"}]}, "differs"),
        ({"assertions": [{"passed": False, "field": "a", "operator": "equals"}]}, "a equals failed"),
        ({"error": {"message": "refused"}}, "refused"),
        ({}, "The step gives no further details."),
    ],
)
def test_why_says_the_reason_in_a_line(step: dict[str, Any], reason: str) -> None:
    assert why(step) == reason


def test_where_its_results_are_gone_the_run_says_why() -> None:
    error = {"code": "step_failed", "message": "pay: status equals 201", "step": "pay"}
    assert why({"name": "pay", "assertions": []}, error) == "status equals 201"
    assert why({"name": "other", "assertions": []}, error) == "The step gives no further details."


def test_a_reused_failure_is_not_this_runs_failure() -> None:
    reused = {"status": "FAILED", "reused": True}
    own = {"status": "ERROR", "reused": False, "error": {"message": "down"}}
    assert failures_of([reused, own]) == [{"step": own, "message": "down"}]
