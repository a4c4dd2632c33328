"""The run list: what it shows, to whom, and at what cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, User
from executions.models import Execution
from executions.pages import run_list
from executions.states import ExecutionStatus, StepStatus
from tests.cast import PageFor
from tests.executions.rows import START, make_execution, make_step, make_steps

URL = "/executions"
#: Session, user, teams (twice); runs, their steps' counts and names, recent outcomes.
STATEMENTS = 8


def names_of(answer: object) -> list[str]:
    return [row.run.flow_name for row in answer.context["rows"]]  # type: ignore[attr-defined] # of the test client


def test_it_works(page: PageFor, alice: User, team: Team) -> None:
    run = make_execution(team, flow_name="Order <b>", labels=["smoke"], user=alice, status="COMPLETED")
    make_step(run, name="create_order", attempts=3)
    answer = page(alice).get(URL)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Order &lt;b&gt;" in text
    assert "Order <b>" not in text
    assert "create_order" in text
    assert "attempt 3" in text
    assert "1/1 steps" in text


def test_it_needs_a_sign_in(client: Client, db: None) -> None:
    answer = client.get(URL)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in")


def test_an_outsider_sees_nothing_of_it(page: PageFor, charlie: User, team: Team) -> None:
    make_execution(team)
    answer = page(charlie).get(URL)
    assert names_of(answer) == []
    assert "Nothing has run yet" in answer.content.decode()


def test_the_cost_does_not_grow_with_the_rows(
    page: PageFor, alice: User, team: Team, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    browser = page(alice)
    for number in range(run_list.PAGE_SIZE + 5):
        make_steps(make_execution(team, user=alice, flow_name=f"flow {number}"), 3)
    with django_assert_max_num_queries(STATEMENTS):
        answer = browser.get(URL)
    assert len(answer.context["rows"]) == run_list.PAGE_SIZE


def test_pages_follow_each_other_without_gap_or_repeat(page: PageFor, alice: User, team: Team) -> None:
    for number in range(2 * run_list.PAGE_SIZE + 7):
        # Three of each share their time: the id decides among them.
        make_execution(team, flow_name=str(number), created_at=START + timedelta(seconds=number // 3))
    browser, url, seen = page(alice), URL, []
    for _ in range(3):
        answer = browser.get(url)
        seen += [row.run.id for row in answer.context["rows"]]
        url = URL + answer.context["next_url"]
    assert len(seen) == len(set(seen)) == 2 * run_list.PAGE_SIZE + 7
    newest_first = list(Execution.objects.order_by("-created_at", "-id").values_list("id", flat=True))
    assert seen == newest_first


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?status=failed", ["Refund"]),
        ("?label=smoke", ["Order"]),
        ("?label=smok", []),
        ("?label=caf%C3%A9", ["Refund"]),
        ("?search=ORD", ["Order"]),
        ("?since=1h", ["Refund"]),
        ("?search=%25", []),
    ],
)
def test_filters_narrow_it(page: PageFor, alice: User, team: Team, query: str, found: list[str]) -> None:
    make_execution(
        team, flow_name="Order", labels=["smoke"], created_at=datetime.now(UTC) - timedelta(hours=2)
    )
    make_execution(
        team, flow_name="Refund", labels=["café"], created_at=datetime.now(UTC), status=ExecutionStatus.FAILED
    )
    assert names_of(page(alice).get(URL + query)) == found


@pytest.mark.parametrize(
    "query",
    [
        "?status=%01&flow=nonsense&since=9y&cursor=x~y",
        "?cursor=2026-01-01~nonsense",
        "?search=%01",
        "?cursor=2026-01-01T00:00:00%2B00:00~018f0000-0000-7000-8000-000000000000",
        "?cursor=9999-99-99~018f0000-0000-7000-8000-000000000000",
        "?label=" + "x" * 5000,
        "?flow=%F0%9F%98%80",
    ],
)
def test_nonsense_in_the_address_is_no_trouble(page: PageFor, alice: User, team: Team, query: str) -> None:
    assert page(alice).get(URL + query).status_code == 200


def test_children_are_left_out(page: PageFor, alice: User, team: Team) -> None:
    parent = make_execution(team, flow_name="parent")
    make_execution(team, flow_name="child", parent=parent)
    assert names_of(page(alice).get(URL)) == ["parent"]


def test_the_step_named_is_the_one_that_matters(team: Team, alice: User) -> None:
    run = make_execution(team)
    make_step(run, 0, name="failed", status=StepStatus.FAILED)
    make_step(run, 1, name="moving", status=StepStatus.WAITING)
    make_step(run, 2, name="later", status=StepStatus.PENDING, attempts=0)
    [shown], _ = run_list.list_runs(run_list.visible_runs(alice))
    assert shown.last_step is not None
    assert shown.last_step.name == "moving"
    run.steps.filter(name="moving").update(status=StepStatus.SUCCESS, look_at=None)
    [shown], _ = run_list.list_runs(run_list.visible_runs(alice))
    assert shown.last_step is not None
    assert shown.last_step.name == "failed"


def test_htmx_gets_the_part_that_changes(page: PageFor, alice: User, team: Team) -> None:
    make_execution(team)
    text = page(alice).get(URL, headers={"HX-Request": "true"}).content.decode().strip()
    assert text.startswith('<div id="run-list">')
    assert "<html" not in text


def test_outcomes_stand_in_order_and_grow_with_time(team: Team, alice: User) -> None:
    quick = make_execution(team, status="COMPLETED", duration_ms=50)
    slow = make_execution(team, status="FAILED", duration_ms=60_000, created_at=START + timedelta(minutes=1))
    bars = run_list.recent_outcomes(run_list.visible_runs(alice))
    assert [bar.run.id for bar in bars] == [quick.id, slow.id]
    assert bars[0].height < bars[1].height <= 40
    assert [bar.notched for bar in bars] == [False, True]


def test_outcomes_of_a_flow_show_only_the_users_own(
    page: PageFor, alice: User, charlie: User, team: Team
) -> None:
    run = make_execution(team)
    flow = f"/executions/outcomes?flow={run.id}&flow=nonsense"  # no flow of that id: nothing, and no trouble
    assert "Never run" in page(alice).get(flow).content.decode()
    assert page(charlie).get(flow).status_code == 200
