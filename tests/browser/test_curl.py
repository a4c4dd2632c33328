"""Copy as cURL: what is copied from the page of a run sends, in bash, what the step sent."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.flows import copied, expect_status, flow_of
from tests.servers.stack import LiveStack
from tests.steprunners.target import Exchange, Target

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl (Debian: apt-get install curl)")

MASK = "••••••"
SECRETS = {"X-Api-Key: ": "k3y-of-the-shop", "Bearer ": "t0ken-of-the-shop", "sid=": "s3cr3t-id"}


@pytest.fixture
def shop() -> Iterator[Target]:
    """A server that sets a cookie and redirects."""
    with Target() as server:
        server.route(
            "/v1/login",
            lambda at: at.reply(302, b"", [("Location", "/v1/"), ("Set-Cookie", "sid=s3cr3t-id; Path=/")]),
        )
        server.route("/v1/", lambda at: at.reply_json({"ok": True}))
        yield server


@pytest.fixture
def resource(live_stack: LiveStack, shop: Target) -> str:
    """The name of a resource that leads to the shop, with headers and a token."""
    config = {
        "baseUrl": shop.url + "/v1",
        "headers": {"X-Plain": "it's", "X-Api-Key": "k3y-of-the-shop"},
        "auth": {"type": "bearer", "token": "t0ken-of-the-shop"},
    }
    session = live_stack.session()
    made = session.post(
        "resources",
        json={"name": f"shop {shop.port}", "type": "http", "config": config},
    )
    name: str = made["name"]
    return name


def command_of(page: Page, step: str) -> str:
    page.locator(f"[data-step={step}]").click()
    return copied(page, page.get_by_role("button", name="Copy as cURL"))


def with_secrets(command: str) -> str:
    """Fill in the secrets, as a user does."""
    for before, secret in SECRETS.items():
        command = command.replace(before + MASK, before + secret)
    assert MASK not in command
    return command


def told(exchange: Exchange) -> tuple[str, str, dict[str, str], bytes]:
    left_out = {"accept-encoding", "traceparent", "tracestate", "connection"}
    headers = {name: value for name, value in exchange.headers.items() if name not in left_out}
    return exchange.method, exchange.path, headers, exchange.body


def test_what_is_copied_sends_what_the_step_sent(
    signed_in_page: Page, live_stack: LiveStack, shop: Target, resource: str, tmp_path: Path
) -> None:
    page = signed_in_page
    meta = {"resourceId": resource, "cookieJar": "j"}
    body = {"id": 9007199254740993, "10": "a", "2": "it's"}
    steps: list[dict[str, Any]] = [
        {
            "name": "login",
            "stepType": "http",
            "meta": {**meta, "url": "/login", "method": "POST", "form": {"u": ["a", None, "b c"]}},
        },
        {
            "name": "order",
            "stepType": "http",
            "meta": {**meta, "url": "/", "method": "PUT", "query": {"q": [1, None]}, "body": body},
        },
    ]
    started = live_stack.session().post("flows/run", json={"flow": flow_of(*steps)})
    page.goto(f"/executions/{started['id']}")
    expect_status(page, "Completed")
    by_step = [told(each) for each in shop.received]
    shop.received.clear()
    commands = [command_of(page, "login"), command_of(page, "order")]
    expect(page.locator("#toasts")).to_contain_text(f"with {MASK} in place of secrets")
    for command in commands:
        assert not any(secret in command for secret in SECRETS.values())
        script = tmp_path / "copied.sh"
        script.write_text(with_secrets(command))
        subprocess.run(["bash", str(script)], check=True, capture_output=True, timeout=30)
    assert [told(each) for each in shop.received] == by_step
    assert json.loads(by_step[-1][3]) == body


def test_a_jar_and_a_loop_are_copied_as_they_were(
    signed_in_page: Page, live_stack: LiveStack, shop: Target, tmp_path: Path
) -> None:
    page = signed_in_page
    cookies = ["sid=s3cr3t-id; Path=/; Max-Age=600", "area=s3cr3t-ar; Path=/area"]
    shop.route("/in", lambda at: at.reply(headers=[("Set-Cookie", each) for each in cookies]))
    shop.route("/out", lambda at: at.reply(headers=[("Set-Cookie", "sid=; Path=/; Max-Age=0")]))
    for path in ("/area", "/1.50", "/b%20c"):
        shop.route(path, lambda at: at.reply_json({}))

    def step(name: str, path: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "stepType": "http", "meta": {"url": shop.url + path, "cookieJar": "j"}, **more}

    loop = step("loop", "/${item}", forEach=["1.50", "b c"])
    steps = [step("in", "/in"), loop, step("area", "/area"), step("out", "/out"), step("after", "/area")]
    started = live_stack.session().post("flows/run", json={"flow": flow_of(*steps)})
    page.goto(f"/executions/{started['id']}")
    expect_status(page, "Completed")
    by_steps = [told(each) for each in shop.received]
    shop.received.clear()
    for each in steps:
        command = command_of(page, each["name"]).replace(f"area={MASK}", "area=s3cr3t-ar")
        script = tmp_path / "copied.sh"
        script.write_text(with_secrets(command) if MASK in command else command)
        subprocess.run(["bash", str(script)], check=True, capture_output=True, timeout=30)
    assert [told(each) for each in shop.received] == by_steps


def test_a_step_that_sent_nothing_has_no_command(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    step = {"name": "get", "stepType": "http", "meta": {"url": "/relative"}}
    started = live_stack.session().post("flows/run", json={"flow": flow_of(step)})
    page.goto(f"/executions/{started['id']}#step=get")
    expect_status(page, "Failed")
    page.get_by_role("button", name="Copy as cURL").click()
    expect(page.locator("#toasts")).to_contain_text("There is no command")
