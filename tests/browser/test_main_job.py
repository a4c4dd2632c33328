"""A person's way through the product, in a real browser: write a flow, run it, watch it, read the result."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Gate
from tests.browser.flows import GREETING, delay, expect_status, failing, flow_of, write
from tests.servers.stack import LiveStack


def start_run(stack: LiveStack, *steps: dict[str, object], name: str = "Browser flow") -> str:
    """Start a draft over REST; return the path of its page."""
    execution = stack.session().post("flows/run", json={"flow": flow_of(*steps, name=name)})
    return f"/executions/{execution['id']}"


def test_write_check_save_run_watch_read(signed_in_page: Page) -> None:
    page = signed_in_page
    page.get_by_role("link", name="Flows", exact=True).click()
    page.get_by_role("link", name="New flow").click()
    see_a_mistake(page)
    save_it(page)
    run_it(page)
    watch_it(page)
    read_it(page)
    assert "s3cret-default" not in page.content()


def see_a_mistake(page: Page) -> None:
    write(page, GREETING.replace("${pause}", "${puase}"))
    problem = page.locator("#problems .problem")
    expect(problem).to_contain_text("Line 9")
    expect(problem).to_contain_text("steps.0.meta.delayMs")
    expect(problem).to_contain_text("pause")
    problem.click()
    expect(page.locator(".gutter .marked")).to_have_text("9")


def save_it(page: Page) -> None:
    write(page, GREETING)
    expect(page.locator("#check-state")).to_have_text("Valid")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/flows/[0-9a-f-]{36}$"))
    expect(page.locator("h1")).to_contain_text("Greeting v1")


def run_it(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#run-start").click()
    expect(page.locator("#run-variables .field-error").first).not_to_be_empty()  # pause is required
    page.get_by_label("pause").fill("5000")  # the page has to be there before it is over
    assert page.get_by_label("api_key").get_attribute("type") == "password"
    page.locator("#run-start").click()
    page.wait_for_url(re.compile(r"/executions/"))


def watch_it(page: Page) -> None:
    page.evaluate("window.sameDocument = true")
    first = page.locator("[data-step=first] .status-icon")
    expect(first).to_have_attribute("title", re.compile("Running|Waiting"))
    expect(first).to_have_attribute("title", "Success")
    expect_status(page, "Completed")
    assert page.evaluate("window.sameDocument") is True  # it moved by itself


def read_it(page: Page) -> None:
    page.locator("[data-step=first]").click()
    assert page.url.endswith("#step=first")
    panel = page.locator("#panel")
    expect(panel.get_by_role("tab", name="Assertions")).to_contain_text("1/1")
    panel.get_by_role("tab", name="Request").click()
    expect(panel.locator(".code")).to_contain_text('"delayMs": 5000')
    panel.get_by_role("tab", name="Attempts").click()
    expect(panel.locator(".attempt")).to_have_count(1)


def test_cancel_and_run_again(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    page.goto(start_run(live_stack, delay("long", 120_000), delay("tidy", 1, alwaysRun=True)))
    page.get_by_role("button", name="Cancel").click()
    expect_status(page, "Cancelled")
    expect(page.locator("[data-step=tidy] .status-icon")).to_have_attribute("title", "Success")

    before = page.url
    page.get_by_text("Run again", exact=True).click()
    page.locator("[data-rerun=START]").first.click()
    page.wait_for_url(lambda url: "/executions/" in url and url != before)
    expect(page.locator(".crumbs")).to_contain_text("re-run of")
    page.get_by_role("button", name="Cancel").click()
    expect_status(page, "Cancelled")


def test_a_failure_is_told_and_can_be_run_again_from_there(
    signed_in_page: Page, live_stack: LiveStack
) -> None:
    page = signed_in_page
    page.goto(start_run(live_stack, delay("fine", 1), failing("wrong", 400), delay("never", 1)))
    expect_status(page, "Failed")
    alert = page.locator("#failure [role=alert]")
    expect(alert).to_contain_text("Failed in wrong")
    alert.get_by_role("link", name="wrong").click()
    expect(page.locator("#panel .expected-actual")).to_contain_text("-1")
    expect(page.locator("#panel .expected-actual .actual")).to_have_text(re.compile(r"\d+"))
    expect(page.locator("[data-step=never] .step-time")).to_have_text("skipped")

    page.get_by_role("button", name="Run again from here").click()
    page.wait_for_url(lambda url: "#step" not in url)
    expect(page.locator("[data-step=fine] .step-time")).to_have_text("reused")
    expect_status(page, "Failed")


def test_a_deep_link_opens_the_step(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    page.goto(start_run(live_stack, delay("one", 1), delay("two", 1)) + "#step=two")
    expect(page.locator("#panel h2")).to_have_text("two")
    page.keyboard.press("k")
    expect(page.locator("#panel h2")).to_have_text("one")
    page.keyboard.press("Escape")
    expect(page.locator("#panel h2")).to_have_text("About this run")


def test_the_list_moves_by_itself(signed_in_page: Page, live_stack: LiveStack, gate: Gate) -> None:
    page = signed_in_page
    page.goto("/executions?search=Moves+live")
    page.evaluate("window.sameDocument = true")
    start_run(live_stack, gate.step("a"), name="Moves live")
    row = page.locator(".run-row").first
    expect(row).to_contain_text("Moves live")
    expect(row).to_have_attribute("data-status", "IN_PROGRESS")
    gate.open()
    expect(row).to_have_attribute("data-status", "COMPLETED")
    assert page.evaluate("window.sameDocument") is True


def test_without_web_sockets_the_page_still_moves(
    signed_in_page: Page, live_stack: LiveStack, gate: Gate
) -> None:
    page = signed_in_page
    page.route_web_socket(re.compile(".*"), lambda socket: socket.close())
    page.goto(start_run(live_stack, gate.step("a"), delay("b", 10)))
    expect(page.locator("#live-state")).to_have_text("Reconnecting…")
    gate.open()
    expect_status(page, "Completed")
