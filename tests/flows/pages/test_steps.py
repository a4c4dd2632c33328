"""What the editor asks about a step: forms, edits, inserts, one step alone; and who may ask."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, User
from flows.models import Flow
from flows.selectors import check_for_team
from flows.services import create_flow
from resources.services import save_environment, save_resource
from steprunners.registry import step_types
from tests.cast import PageFor
from tests.flows.sample_documents import flow as flow_document
from tests.flows.sample_documents import wait

TEXT = """\
name: Orders
variables: [{name: base_url, defaultValue: "http://x.example"}]
steps:
  # the beginning
  - name: create
    stepType: http
    meta: {url: "${base_url}/orders"}
    extract: {order_id: body.id}
  - name: row
    stepType: sql
    alwaysRun: true
    meta: {resourceId: shop-db, query: select 1, parameters: {id: "${order_id}"}}
"""


@pytest.fixture
def shop_db(team: Team) -> None:
    config = {"engine": "postgresql", "host": "x", "database": "d", "user": "u"}
    save_resource(team=team, user=None, name="shop-db", type="sql", config=config)
    save_resource(team=team, user=None, name="cache", type="redis", config={"host": "x"})
    save_environment(team=team, user=None, name="staging", resources={"ledger": "shop-db"})


def ask(browser: Client, what: str, team: Team, line: int, body: Any = TEXT) -> Any:
    """Ask about TEXT, or send JSON."""
    is_text = isinstance(body, str)
    sent = body if is_text else json.dumps(body)
    kind = "application/yaml" if is_text else "application/json"
    return browser.post(f"/flows/step-{what}?team={team.pk}&line={line}", sent, content_type=kind)


def edit(browser: Client, team: Team, place: str, typed: str) -> Any:
    return ask(browser, "edit", team, 1, {"text": TEXT, "place": place, "typed": typed})


def test_a_form_is_made_for_the_step_of_the_line(
    page: PageFor, alice: User, team: Team, shop_db: None
) -> None:
    answer = ask(page(alice), "form", team, 10).json()

    assert answer["readable"]
    assert all(
        f'data-place="steps.1.{name}"' in answer["html"]
        for name in ("name", "meta.query", "until.intervalMs")
    )
    assert 'value="shop-db"' in answer["html"]
    assert '<option value="ledger">' in answer["html"]
    assert '<option value="cache">' not in answer["html"]
    assert "Put the cursor into a step" in ask(page(alice), "form", team, 1).json()["html"]


def test_a_text_that_cannot_be_read_keeps_the_form(page: PageFor, alice: User, team: Team) -> None:
    assert ask(page(alice), "form", team, 1, "a: [").json()["readable"] is False


def test_the_shape_says_when_other_fields_are_needed(page: PageFor, alice: User, team: Team) -> None:
    shapes = {ask(page(alice), "form", team, line).json()["shape"] for line in (5, 6, 7)}
    assert len(shapes) == 1
    assert ask(page(alice), "form", team, 9).json()["shape"] not in shapes
    with_auth = TEXT.replace('orders"}', 'orders", auth: {type: bearer}}')
    assert ask(page(alice), "form", team, 5, with_auth).json()["shape"] not in shapes


def test_an_edit_changes_its_line_alone(page: PageFor, alice: User, team: Team) -> None:
    text = edit(page(alice), team, "steps.1.meta.query", "select 2").json()["text"]
    assert text == TEXT.replace("select 1", "select 2")


@pytest.mark.parametrize("place", ["steps.7.name", "steps.1", "name", "", "steps.1.meta.odd", "steps.x.name"])
def test_what_is_no_field_is_refused(page: PageFor, alice: User, team: Team, place: str) -> None:
    answer = edit(page(alice), team, place, "x")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("runner", step_types(), ids=lambda runner: runner.type)
def test_every_step_type_is_inserted_under_a_free_name(
    page: PageFor, alice: User, team: Team, shop_db: None, runner: Any
) -> None:
    browser = page(alice)
    text = TEXT
    for _ in range(2):
        answer = ask(browser, "insert", team, 6, {"text": text, "type": runner.type}).json()
        text = answer["text"]
    lines = text.split("\n")
    assert lines[answer["line"] - 1].startswith(f"  - name: {runner.example['name']}_2")
    assert "# the beginning" in text
    checked = browser.post(f"/flows/check?team={team.pk}", text, content_type="application/yaml").json()
    codes = {each["code"] for each in checked["errors"]}
    assert codes <= {"unknown_resource", "unknown_flow"}, checked
    if runner.resource_type in ("sql", "redis"):
        assert "unknown_resource" not in codes


def test_a_step_alone_asks_for_what_others_extract(
    page: PageFor, alice: User, team: Team, shop_db: None
) -> None:
    answer = ask(page(alice), "alone", team, 9).json()

    assert (answer["valid"], answer["name"]) == (True, "row")
    assert [each["name"] for each in answer["variables"]] == ["base_url", "order_id"]
    draft = json.loads(answer["draft"])
    assert draft["name"] == "Orders: row"
    (step,) = draft["steps"]
    assert "alwaysRun" not in step
    assert ask(page(alice), "alone", team, 1).status_code == 422
    assert ask(page(alice), "alone", team, 5).json()["variables"][0]["name"] == "base_url"


def test_a_step_that_needs_another_says_so(page: PageFor, alice: User, team: Team, shop_db: None) -> None:
    text = TEXT.replace("${order_id}", "${create.body.id}")
    answer = ask(page(alice), "alone", team, 9, text).json()
    assert answer["valid"] is False
    assert "create" in answer["errors"][0]["detail"]


WHATS = ["form", "edit", "insert", "alone"]


@pytest.mark.parametrize("what", WHATS)
def test_strangers_get_404(page: PageFor, charlie: User, alice: User, team: Team, what: str) -> None:
    raw = flow_document(wait())
    flow: Flow = create_flow(team=team, user=alice, document=check_for_team(team, raw))
    browser = page(charlie)
    body = {"text": TEXT, "place": "steps.0.name", "typed": "x", "type": "delay"}
    for scope in (f"team={team.pk}", f"flow={flow.pk}", "team=odd", "flow=odd", ""):
        answer = browser.post(
            f"/flows/step-{what}?{scope}", json.dumps(body), content_type="application/json"
        )
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "body", ["", "[", "[]", "{}", '{"text": 1, "place": "", "typed": "", "type": ""}', "[" * 9_000]
)
def test_odd_bodies_are_no_trouble(page: PageFor, alice: User, team: Team, body: str) -> None:
    for what in ("edit", "insert"):
        answer = page(alice).post(f"/flows/step-{what}?team={team.pk}", body, content_type="application/json")
        assert answer.status_code == 404
    for what in ("form", "alone"):
        answer = page(alice).post(
            f"/flows/step-{what}?team={team.pk}&line=x", body, content_type="application/yaml"
        )
        assert answer.status_code in (200, 422)
    assert ask(page(alice), "insert", team, 1, {"text": TEXT, "type": "odd"}).status_code == 404


def test_a_viewer_sees_the_fields_disabled(page: PageFor, vera: User, team: Team) -> None:
    html = ask(page(vera), "form", team, 5).json()["html"]
    assert '<fieldset class="bare form-grid" disabled>' in html
    assert "data-try-alone" not in html


def test_numbers_of_any_length_are_no_error_of_ours(page: PageFor, alice: User, team: Team) -> None:
    """Python refuses to read more than 4 300 digits."""
    huge, browser = "9" * 5_000, page(alice)
    assert edit(browser, team, f"steps.{huge}.name", "x").status_code == 422
    flow = create_flow(team=team, user=alice, document=check_for_team(team, flow_document(wait())))
    saved = browser.post(
        f"/flows/{flow.pk}?baseVersion={huge}",
        json.dumps(flow_document(wait())),
        content_type="application/json",
    )
    assert saved.status_code == 409
