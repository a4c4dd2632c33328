"""Pages of flows: the list, the editor, checking, saving, versions."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, User
from flows.models import Flow
from flows.pages.starters import STARTER, starter_text
from flows.selectors import check_for_team
from flows.services import create_flow, delete_flow, save_version
from tests.cast import PageFor

TEXT = """\
name: Wait a moment
labels: [smoke]
variables:
  - {name: pause, type: integer, defaultValue: 5}
  - {name: api_key, type: string, secret: true, defaultValue: s3cret-default}
steps:
  - name: wait
    stepType: delay
    meta: {delayMs: "${pause}"}
"""


@pytest.fixture
def flow(team: Team, alice: User) -> Flow:
    return create_flow(team=team, user=alice, document=check_for_team(team, document()))


def document(**changes: Any) -> dict[str, Any]:
    variables = [
        {"name": "pause", "type": "integer", "defaultValue": 5},
        {"name": "api_key", "secret": True, "defaultValue": "s3cret-default"},
    ]
    steps = [{"name": "wait", "stepType": "delay", "meta": {"delayMs": "${pause}"}}]
    return {"name": "Wait a moment", "labels": ["smoke"], "variables": variables, "steps": steps, **changes}


def send(browser: Client, path: str, text: str) -> Any:
    return browser.post(path, text, content_type="application/yaml")


def data_of(answer: Any) -> dict[str, Any]:
    found = re.search(
        r'<script id="flow-data" type="application/json">(.*?)</script>', answer.content.decode()
    )
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


# --- The list -------------------------------------------------------------------------------------


def test_the_list_works(page: PageFor, alice: User, flow: Flow) -> None:
    text = page(alice).get("/flows").content.decode()
    assert "Wait a moment" in text
    assert f'data-run-flow="{flow.id}"' in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?search=MOMENT", 1),
        ("?search=x", 0),
        ("?label=smoke", 1),
        ("?label=smo", 0),
        ("?page=-7", 1),
        ("?page=x", 1),
    ],
)
def test_the_list_is_searched(page: PageFor, alice: User, flow: Flow, query: str, found: int) -> None:
    assert len(page(alice).get("/flows" + query).context["page"].object_list) == found


def test_a_viewer_is_offered_no_run(page: PageFor, alice: User, vera: User, flow: Flow) -> None:
    offered = f'data-run-flow="{flow.pk}"'
    assert offered in page(alice).get("/flows").content.decode()
    assert offered not in page(vera).get("/flows").content.decode()


def test_an_empty_list_says_what_to_do(page: PageFor, alice: User, team: Team) -> None:
    text = page(alice).get("/flows").content.decode()
    assert all(words in text for words in ("Create a flow", "Import a file", "Start from the example"))


def test_the_cost_of_the_list_does_not_grow(
    page: PageFor, alice: User, team: Team, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    browser = page(alice)
    Flow.objects.bulk_create(Flow(team=team, name=f"flow {number}", version=1) for number in range(60))
    with django_assert_max_num_queries(7):
        assert len(browser.get("/flows").context["page"].object_list) == 50


# --- Who may see and change it --------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/run-form", "/difference"])
def test_an_outsider_gets_404(page: PageFor, charlie: User, flow: Flow, path: str) -> None:
    assert page(charlie).get(f"/flows/{flow.id}{path}").status_code == 404


@pytest.mark.parametrize("path", ["", "/run-form", "/difference"])
def test_a_deleted_flow_is_gone(page: PageFor, alice: User, flow: Flow, path: str) -> None:
    delete_flow(flow=flow)
    assert page(alice).get(f"/flows/{flow.id}{path}").status_code == 404


def test_nobody_is_sent_to_sign_in(client: Client, flow: Flow) -> None:
    for path in ("/flows", "/flows/new", f"/flows/{flow.id}"):
        assert client.get(path).headers["Location"].startswith("/sign-in")


def test_a_viewer_reads_but_cannot_save(page: PageFor, vera: User, flow: Flow) -> None:
    browser = page(vera)
    assert 'id="save"' not in browser.get(f"/flows/{flow.id}").content.decode()
    assert send(browser, f"/flows/{flow.id}", TEXT).status_code == 404
    assert flow.versions.count() == 1


def test_a_stranger_cannot_save_into_a_team(page: PageFor, charlie: User, team: Team) -> None:
    assert send(page(charlie), f"/flows/new?team={team.id}", TEXT).status_code == 404
    assert send(page(charlie), "/flows/new?team=nonsense", TEXT).status_code == 404
    assert not Flow.objects.exists()


# --- The editor -----------------------------------------------------------------------------------


def test_the_editor_holds_the_yaml_without_ids_and_secrets(page: PageFor, alice: User, flow: Flow) -> None:
    answer = page(alice).get(f"/flows/{flow.id}")
    text: str = answer.context["text"]
    assert "delayMs: ${pause}" in text
    assert "\n  id:" not in text
    assert "s3cret-default" not in answer.content.decode()
    assert data_of(answer)["newest"] == 1


def test_saving_what_the_editor_holds_changes_nothing(page: PageFor, alice: User, flow: Flow) -> None:
    browser = page(alice)
    text = browser.get(f"/flows/{flow.id}").context["text"]
    answer = send(browser, f"/flows/{flow.id}?baseVersion=1", text)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)


def test_saving_makes_the_next_version(page: PageFor, alice: User, flow: Flow) -> None:
    answer = send(page(alice), f"/flows/{flow.id}?baseVersion=1", TEXT.replace("5}", "7}"))
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert [version.number for version in flow.versions.all()] == [2, 1]


def test_a_stale_save_is_refused_with_the_newest_number(
    page: PageFor, alice: User, team: Team, flow: Flow
) -> None:
    save_version(flow=flow, user=None, document=check_for_team(team, document(name="Theirs"), flow=flow))
    answer = send(page(alice), f"/flows/{flow.id}?baseVersion=1", TEXT)
    assert (answer.status_code, answer.json()["current"]) == (409, 2)
    assert flow.versions.count() == 2


def test_a_new_flow_is_saved(page: PageFor, alice: User, team: Team) -> None:
    answer = send(page(alice), f"/flows/new?team={team.id}", TEXT)
    assert answer.status_code == 201
    assert answer.json()["url"] == f"/flows/{Flow.objects.get().id}"


def test_problems_come_with_their_lines(page: PageFor, alice: User, team: Team) -> None:
    text = TEXT.replace("${pause}", "${puase}").replace("labels: [smoke]", "lables: [smoke]")
    answer = send(page(alice), f"/flows/check?team={team.id}", text)
    problems = {error["attr"]: (error["line"], error["column"]) for error in answer.json()["errors"]}
    assert answer.json()["valid"] is False
    assert problems == {"lables": (2, 1), "steps.0.meta.delayMs": (9, 12)}
    assert send(page(alice), f"/flows/new?team={team.id}", text).status_code == 422
    assert not Flow.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "a: &a [*a]",
        "- 1",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "\x00",
        "x: " + "[" * 5_000,
    ],
)
def test_no_text_is_trouble(page: PageFor, alice: User, team: Team, text: str) -> None:
    answer = send(page(alice), f"/flows/check?team={team.id}", text)
    assert answer.status_code == 200
    assert answer.json()["valid"] is False


def test_a_valid_text_gives_what_a_draft_run_needs(page: PageFor, alice: User, team: Team) -> None:
    text = TEXT.replace("s3cret-default", '"••••••"').replace("5}", "12345678901234567890}")
    flow_text = TEXT.replace("5}", "12345678901234567890}")
    assert (
        send(page(alice), f"/flows/check?team={team.id}", text).json()["valid"] is False
    )  # no secret is kept yet
    answer = send(page(alice), f"/flows/check?team={team.id}", flow_text).json()
    assert [variable["name"] for variable in answer["variables"]] == ["pause", "api_key"]
    assert "12345678901234567890" in answer["draft"]  # as text: a browser would round it
    assert check_for_team(team, json.loads(answer["draft"])).name == "Wait a moment"


def test_a_draft_asks_for_a_secret_that_only_the_saved_version_knows(
    page: PageFor, alice: User, team: Team, flow: Flow
) -> None:
    text = page(alice).get(f"/flows/{flow.id}").context["text"]
    answer = send(page(alice), f"/flows/check?flow={flow.id}", text).json()
    assert answer["valid"] is True
    secret = json.loads(answer["draft"])["variables"][1]
    assert secret["required"] is True
    assert "defaultValue" not in secret


def test_an_older_version_says_so(page: PageFor, alice: User, team: Team, flow: Flow) -> None:
    save_version(flow=flow, user=alice, document=check_for_team(team, document(name="Newer"), flow=flow))
    text = page(alice).get(f"/flows/{flow.id}?version=1").content.decode()
    assert "This is version 1; the newest is" in text
    assert page(alice).get(f"/flows/{flow.id}?version=3").status_code == 404
    assert page(alice).get(f"/flows/{flow.id}?version=x").context["shown"].number == 2


def test_differences_are_lines_of_yaml(page: PageFor, alice: User, team: Team, flow: Flow) -> None:
    save_version(flow=flow, user=alice, document=check_for_team(team, document(name="Newer"), flow=flow))
    lines = page(alice).get(f"/flows/{flow.id}/difference?from=1&to=2").json()["lines"]
    assert "-name: Wait a moment" in lines
    assert "+name: Newer" in lines
    assert not any("id:" in line for line in lines)


def test_the_run_form_gives_variables_and_environments(page: PageFor, vera: User, flow: Flow) -> None:
    form = page(vera).get(f"/flows/{flow.id}/run-form").json()
    assert [variable["name"] for variable in form["variables"]] == ["pause", "api_key"]
    assert form["variables"][1]["defaultValue"] == "••••••"
    assert form["environments"] == []


@pytest.mark.parametrize("start", ["", "example"])
def test_what_a_new_flow_starts_from_is_valid(page: PageFor, alice: User, team: Team, start: str) -> None:
    text = page(alice).get(f"/flows/new?from={start}").context["text"]
    assert text == starter_text(start)
    assert (text == STARTER) is (start == "")
    checked = send(page(alice), f"/flows/check?team={team.id}", text).json()
    assert (checked["valid"], checked["errors"], checked["warnings"]) == (True, [], [])
