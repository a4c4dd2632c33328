"""A browser whose clock is wrong, and a connection that a proxy has forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Gate
from tests.browser.flows import delay, expect_status, flow_of
from tests.servers.stack import LiveStack

WRONG_CLOCK = """(ahead) => {
  const [Right, now] = [Date, Date.now];
  Date = class extends Right { constructor(...given) { super(...(given.length ? given : [now() + ahead])); } };
  Date.now = () => now() + ahead;
}"""


def run_of(stack: LiveStack, *steps: dict[str, Any], name: str = "Browser flow") -> str:
    execution: dict[str, str] = stack.session().post("flows/run", json={"flow": flow_of(*steps, name=name)})
    return execution["id"]


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_wrong_clock_changes_no_elapsed_time(
    signed_in_page: Page, live_stack: LiveStack, gate: Gate, minutes: int
) -> None:
    page = signed_in_page
    page.add_init_script(f"({WRONG_CLOCK})({minutes * 60_000})")
    name = f"Clock {minutes}"
    run = run_of(live_stack, gate.step("slow"), delay("later", 1), name=name)
    page.goto(f"/executions/{run}")
    seconds = re.compile(r"^([1-9]|[1-4]\d)(\.\d+)? s$")
    expect(page.locator("#run-duration")).to_have_text(seconds)
    expect(page.locator("[data-step=slow] .step-time")).to_have_text(seconds)
    expect(page.locator(".run-facts time")).to_have_text(re.compile(r"^(just now|\d+ s ago)$"))
    page.goto(f"/executions?search={name}")
    row = page.locator(f"[data-run='{run}']")
    expect(row.locator("[data-ago]")).to_have_text(re.compile(r"^(just now|\d+ s ago)$"))
    expect(row.locator("[data-since]")).to_have_text(seconds)
    gate.open()


def test_a_clock_that_is_set_while_the_page_is_open_changes_nothing(
    signed_in_page: Page, live_stack: LiveStack, gate: Gate
) -> None:
    page = signed_in_page
    page.goto(f"/executions/{run_of(live_stack, gate.step('slow'))}")
    expect(page.locator("#live-state")).to_have_text("Live")
    page.evaluate(f"({WRONG_CLOCK})(-600_000)")
    gate.open()
    expect_status(page, "Completed")  # drawing is not put off until the clock is where it was


class Swallower:
    """Forwards WebSockets until it forgets them: they stay open, and nothing comes through any more."""

    def __init__(self, page: Page) -> None:
        self.opened = 0
        self.forgotten: set[int] = set()
        self.forget_new = False
        page.route_web_socket(re.compile(".*"), self._connect)

    def forget(self, *, new_ones_too: bool = False) -> None:
        self.forget_new = new_ones_too
        self.forgotten = set(range(1, self.opened + 1))

    def _connect(self, browser: WebSocketRoute) -> None:
        self.opened += 1
        number = self.opened
        if self.forget_new:
            return
        server = browser.connect_to_server()
        browser.on_message(self._unless_forgotten(number, server.send))
        server.on_message(self._unless_forgotten(number, browser.send))
        server.on_close(
            lambda code, reason: None if number in self.forgotten else browser.close(code=code, reason=reason)
        )

    def _unless_forgotten(self, number: int, send: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda message: None if number in self.forgotten else send(message)


@pytest.mark.parametrize("new_ones_too", [False, True])
def test_a_page_whose_connection_is_forgotten_catches_up(
    signed_in_page: Page, live_stack: LiveStack, gate: Gate, new_ones_too: bool
) -> None:
    page = signed_in_page
    swallower = Swallower(page)
    page.goto(f"/executions/{run_of(live_stack, gate.step('a'), delay('b', 10))}")
    expect(page.locator("#live-state")).to_have_text("Live")
    swallower.forget(new_ones_too=new_ones_too)
    gate.open()
    expect_status(page, "Completed")


def test_a_list_whose_connection_is_forgotten_shows_new_runs(
    signed_in_page: Page, live_stack: LiveStack
) -> None:
    page = signed_in_page
    swallower = Swallower(page)
    page.goto("/executions?search=Forgotten")
    page.wait_for_function("() => true")
    swallower.forget()
    run_of(live_stack, delay("a", 1), name="Forgotten")
    expect(page.locator(".run-row")).to_have_count(1)
    expect(page.locator(".run-row")).to_have_attribute("data-status", "COMPLETED")
