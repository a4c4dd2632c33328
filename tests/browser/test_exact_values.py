"""Values of tested systems on the pages: every digit and the order of keys, live, after reload, and when copied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Gate
from tests.browser.flows import copied, delay, expect_status, flow_of, write
from tests.servers.stack import LiveStack
from tests.steprunners.target import Target

BODIES = {
    "integers": '{"id": 9007199254740993, "ts": 1736184243098437392, "10": "a", "2": "b", "__proto__": {"x": 1}}',
    "fractions": '{"amount": 10.00, "rate": 0.12345678901234567890, "3": 1e5, "1": [1.50]}',
}


@pytest.fixture(params=BODIES)
def body(request: pytest.FixtureRequest) -> str:
    """The text of an answer."""
    text: str = BODIES[request.param]
    return text


@pytest.fixture
def answers(body: str) -> Iterator[str]:
    """The URL of a server that answers with the text."""
    with Target() as server:
        yield server.route(
            "/value", lambda at: at.reply(200, body.encode(), [("Content-Type", "application/json")])
        )


def watch(
    page: Page, stack: LiveStack, *steps: dict[str, Any], variables: list[dict[str, Any]] | None = None
) -> None:
    """Start a draft and open its page."""
    flow = {**flow_of(*steps), "variables": variables or []}
    started = stack.session().post("flows/run", json={"flow": flow})
    page.goto(f"/executions/{started['id']}")


def open_tab(page: Page, step: str, name: str) -> Locator:
    page.locator(f"[data-step={step}]").click()
    page.get_by_role("tab", name=name).click()
    return page.locator("#panel .tab-panel")


def compact(text: str) -> str:
    return "".join(text.split())


def shown(place: Locator) -> str:
    return compact(place.locator(".code").first.inner_text())


def test_an_answer_is_shown_as_it_came(
    signed_in_page: Page, live_stack: LiveStack, gate: Gate, answers: str, body: str
) -> None:
    page = signed_in_page
    wrong = {"field": "body", "operator": "equals", "expectedValue": 1}
    get = {
        "name": "get",
        "stepType": "http",
        "meta": {"url": answers},
        "assertions": [wrong],
        "extract": {"got": "body"},
    }
    send = {"name": "send", "stepType": "http", "meta": {"url": answers, "method": "POST", "body": "${got}"}}
    watch(page, live_stack, gate.step("wait"), {**get, "assertions": []}, send, {**get, "name": "wrong"})
    page.locator("[data-step=get]").click()  # open before it runs: what comes is live
    gate.open()
    expect_status(page, "Failed")
    see_everywhere(page, body)
    page.reload()
    see_everywhere(page, body)


def see_everywhere(page: Page, body: str) -> None:
    response = open_tab(page, "get", "Response")
    expect(response.locator(".code").first).to_be_visible()
    assert shown(response) == compact(body)
    assert compact(copied(page, response.get_by_role("button", name="Copy"))) == compact(body)
    assert compact(body) in shown(open_tab(page, "get", "Extracted"))
    assert compact(body) in shown(open_tab(page, "send", "Request"))
    attempts = open_tab(page, "send", "Attempts")
    assert compact(body) in shown(attempts)
    actual = open_tab(page, "wrong", "Assertions").locator(".actual")
    assert compact(actual.inner_text()) == compact(body)


def test_variables_read_as_json(signed_in_page: Page, live_stack: LiveStack) -> None:
    variables: list[dict[str, Any]] = [
        {"name": "list", "type": "json", "defaultValue": ["tea", None]},
        {"name": "off", "type": "boolean", "defaultValue": False},
        {"name": "long", "type": "integer", "defaultValue": 9007199254740993},
        {"name": "zip", "type": "string", "defaultValue": "018"},
        {"name": "text", "type": "string", "defaultValue": "false"},
    ]
    watch(signed_in_page, live_stack, delay("wait", 1), variables=variables)
    told = signed_in_page.locator("#panel .facts.mono dd").all_inner_texts()
    assert told == ['["tea", null]', "false", "9007199254740993", "018", '"false"']


def test_the_run_dialog_sends_what_was_typed(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    variables = [
        {"name": "long", "type": "integer", "defaultValue": 9007199254740993},
        {"name": "map", "type": "json", "defaultValue": {"10": 9007199254740993, "2": 1}},
        {"name": "typed", "type": "json", "defaultValue": {}},
    ]
    page.goto("/flows/new")
    write(page, json.dumps({**flow_of(delay("wait", 1)), "variables": variables}))
    page.get_by_role("button", name="Run without saving").click()
    assert page.get_by_label("long").get_attribute("placeholder") == "9007199254740993"
    assert page.get_by_label("map").get_attribute("placeholder") == '{"10":9007199254740993,"2":1}'
    page.get_by_label("typed").fill('{"9": 1736184243098437392, "1": 1}')
    page.locator("#run-start").click()
    page.wait_for_url("**/executions/*")
    told = page.locator("#panel .facts.mono dd").all_inner_texts()
    assert [compact(each) for each in told] == [
        "9007199254740993",
        '{"10":9007199254740993,"2":1}',
        '{"9":1736184243098437392,"1":1}',
    ]
