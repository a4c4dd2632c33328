"""The text of an answer beside its parsed body: for signatures, in later steps, with secrets, and where it is large."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Team
from executions.models import ExecutionStep
from executions.presentation import step_json
from executions.reports.compare import compare
from steprunners.network.http_pool import close_connections
from tests.executions.driving import begin, drive, step_of
from tests.steprunners.target import Exchange, Target

pytestmark = pytest.mark.usefixtures("driven")

MASK = "••••••"
SIGNED = '{"b": 1.0,\n "a": "\\u00e4",  "n": 10.00, "n": 2e3}'


@pytest.fixture
def server() -> Iterator[Target]:
    with Target() as target:
        yield target
    close_connections()


def says(target: Target, text: str, content_type: str = "application/json") -> str:
    return target.route(
        "/say", lambda exchange: exchange.reply(200, text.encode(), [("Content-Type", content_type)])
    )


def http(name: str, url: str, meta: Any = None, **envelope: Any) -> dict[str, Any]:
    return {
        "name": name, "stepType": "http", "meta": {"url": url, **(meta or {})}, "continueOnFailure": True, **envelope,
    }  # fmt: skip


def ran(team: Team, *steps: dict[str, Any], **options: Any) -> dict[str, ExecutionStep]:
    execution = drive(begin(team, steps, **options))
    return {step["name"]: step_of(execution, step["name"]) for step in steps}


def test_it_is_the_text_as_it_came_in_every_place(team: Team, server: Target) -> None:
    url = says(server, SIGNED)
    hear = server.route("/hear", Exchange.reply)
    steps = ran(
        team,
        http(
            "webhook",
            url,
            extract={"raw": "bodyText"},
            assertions=[
                {"field": "bodyText", "operator": "equals", "expectedValue": SIGNED},
                {"field": "response.bodyText", "operator": "contains", "expectedValue": "10.00"},
                {"field": "$.bodyText", "operator": "contains", "expectedValue": "\\u00e4"},
                {"field": "body.a", "operator": "equals", "expectedValue": "ä"},
            ],
        ),
        http("copy", hear, {"method": "POST", "body": "${webhook.bodyText}"}),
        http(
            "sign",
            hear,
            {"headers": {"X-Sign": "${hmacSha256('key', webhook.bodyText)}", "X-Raw": "${length(raw)}"}},
        ),
    )  # fmt: skip
    assert {name: step.status for name, step in steps.items()} == dict.fromkeys(steps, "SUCCESS")
    assert step_json(steps["webhook"])["response"]["bodyText"] == SIGNED
    heard = [each for each in server.received if each.path == "/hear"]
    assert heard[0].body.decode() == SIGNED
    assert heard[1].headers["x-sign"] == hmac.new(b"key", SIGNED.encode(), hashlib.sha256).hexdigest()
    assert heard[1].headers["x-raw"] == str(len(SIGNED))


def test_a_body_that_is_text_has_none_and_the_message_says_why(team: Team, server: Target) -> None:
    url = says(server, '{"id": 1}', "text/html")
    steps = ran(
        team,
        http("page", url, assertions=[{"field": "$.body.id", "operator": "equals", "expectedValue": 1}]),
        http("extracted", url, extract={"id": "body.id"}),
        http("raw", url, extract={"text": "bodyText"}),
        http("later", url, {"query": {"a": "${page.body.id}"}}),
        http("searched", url, {"query": {"a": "${page.$.body[?@.id == 1]}"}}),
        {"name": "asked", "stepType": "delay", "meta": {"delayMs": 0}, "continueOnFailure": True,
         "when": {"left": "${page.body.id}", "operator": "equals", "right": 1}},
    )  # fmt: skip
    reason = "body is text, because its content type is text/html; the JSON in it is not parsed"
    [outcome] = [each for each in steps["page"].assertions if each["field"] == "$.body.id"]
    assert reason in outcome["message"]
    for name in ("extracted", "later", "searched"):
        assert reason in steps[name].error["message"], name
    assert "there is no bodyText: body is the text itself" in steps["raw"].error["message"]


def test_a_large_body_keeps_its_room(team: Team, server: Target) -> None:
    """The text is dropped before anything of the body is cut."""
    text = json.dumps({"id": 7, "filler": ["x" * 100] * 7_000})
    url = says(server, text)
    steps = ran(
        team,
        http(
            "big",
            url,
            extract={"size": "sizeBytes"},
            assertions=[{"field": "bodyText", "operator": "equals", "expectedValue": text}],
        ),
        http("id", url, {"query": {"a": "${big.body.id}", "b": "${big.$.body.filler[0:2]}"}}),
        http("text", url, {"query": {"a": "${length(big.bodyText)}"}}),
    )  # fmt: skip
    assert steps["big"].status == "SUCCESS"
    assert steps["big"].cut_paths == ["bodyText"]
    assert steps["big"].response["body"] == json.loads(text)
    assert steps["id"].status == "SUCCESS", steps["id"].error
    assert "may read a part that was cut" in steps["text"].error["message"]


@pytest.mark.parametrize(
    "spelled", ["Cnry-5f0e2d-secret", "\\u0043nry-5f0e2d-s\\u0065cret", "Cnry\\u002d5f0e2d\\u002Dsecret"]
)
def test_a_secret_is_masked_however_json_spells_it(team: Team, server: Target, spelled: str) -> None:
    url = says(server, f'{{"token": "{spelled}", "id": 1}}')
    steps = ran(team, http("login", url, extract={"token": {"path": "body.token", "secret": True}}))
    shown = steps["login"].response
    assert shown["body"] == {"token": MASK, "id": 1}
    assert shown["bodyText"] == f'{{"token": "{MASK}", "id": 1}}'


def test_a_secret_number_is_masked(team: Team, server: Target) -> None:
    url = says(server, '{"pin": 93581274, "id": 1}')
    steps = ran(team, http("login", url, extract={"pin": {"path": "body.pin", "secret": True}}))
    assert "93581274" not in json.dumps(steps["login"].response)


def test_credentials_in_an_echoed_request_are_masked_in_the_text_too(team: Team, server: Target) -> None:
    url = server.route("/echo", lambda exchange: exchange.reply_json({"headers": exchange.headers}))
    steps = ran(
        team,
        http("echo", url, {"headers": {"Authorization": "Zq9", "Cookie": "a=Yx7"}}),
        http("later", url, {"query": {"a": "${length(echo.bodyText)}"}}),
    )
    shown = json.dumps(steps["echo"].response)
    assert "Zq9" not in shown
    assert "Yx7" not in shown
    assert steps["later"].status == "SUCCESS"


def test_for_each_has_the_text_of_each_item(team: Team, server: Target) -> None:
    url = says(server, SIGNED)
    steps = ran(team, http("each", url, forEach=[1, 2]))
    assert [item["bodyText"] for item in steps["each"].response["items"]] == [SIGNED, SIGNED]


def test_two_runs_are_compared_by_the_parsed_body(team: Team, server: Target) -> None:
    sides = []
    for text in ('{"a": 1, "b": 2}', '{"a":1,"b":3}'):
        url = says(server, text)
        execution = drive(begin(team, [http("call", url), http("each", url, forEach=[1])]))
        sides.append((execution, list(execution.steps.order_by("position"))))
    for pair in compare(*sides)["steps"]:
        places = {each["path"] for each in pair["differences"]}
        assert not {place for place in places if "Text" in place}
        assert places & {"body.b", "items[0].body.b"}
