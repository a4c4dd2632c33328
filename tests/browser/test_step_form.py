"""The step form and the YAML in step with each other, and the forms of resources, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.flows import expect_status, write
from tests.servers.stack import LiveStack

TEXT = """\
name: In step
steps:
  # the beginning
  - name: first
    stepType: delay
    meta: {delayMs: 5}  # short
"""


def put_cursor(page: Page, before: str) -> None:
    """Put the cursor in front of what is written there."""
    page.locator("#text").evaluate(
        "(area, before) => { area.focus(); const at = area.value.indexOf(before); area.setSelectionRange(at, at); }",
        before,
    )


def test_the_form_and_the_text_follow_each_other(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/flows/new")
    text = page.locator("#text")
    write(page, TEXT)
    put_cursor(page, "stepType")
    delay = page.locator('[name="steps.0.meta.delayMs"]')
    expect(delay).to_have_value("5")

    delay.fill("7")
    delay.press("Tab")  # the form changes the text at its place
    expect(text).to_have_value(TEXT.replace("delayMs: 5", "delayMs: 7"))
    expect(page.locator('[name="steps.0.meta.delayMs"]')).to_have_value("7")

    write(page, TEXT.replace("delayMs: 5", "delayMs: soon"))  # the text changes the form
    put_cursor(page, "stepType")
    expect(delay).to_have_value("soon")
    problem = page.locator('[data-place="steps.0.meta.delayMs"] .field-error')
    expect(problem).to_contain_text("whole number")
    expect(delay).to_have_attribute("aria-invalid", "true")

    delay.fill("1")
    delay.press("Tab")
    expect(problem).to_be_empty()
    insert_and_try(page)


def insert_and_try(page: Page) -> None:
    put_cursor(page, "stepType")
    page.get_by_text("Insert step").click()
    page.locator('[data-insert="delay"]').click()
    inserted = page.locator('[name="steps.1.name"]')
    expect(inserted).to_have_value("settle")
    expect(page.locator("#text")).to_have_value(re.compile("# short\n  - name: settle\n    stepType: delay"))
    expect(page.locator("#check-state")).to_have_text("Valid")
    page.get_by_role("button", name="Run only this step").click()
    page.locator("#run-start").click()
    page.wait_for_url(re.compile("/executions/"))
    expect(page.locator("h1")).to_contain_text("In step: settle")
    expect_status(page, "Completed")


def test_a_resource_is_made_and_checked(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    page.goto("/resources/new?type=http")
    page.get_by_label("Name").first.fill("ourselves")
    page.get_by_label("baseUrl").fill(live_stack.url)
    page.locator("[data-variants]").select_option("bearer")
    page.locator("[name='config.auth.token']").fill("no-such-token")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("ourselves was saved.")).to_be_visible()
    page.get_by_role("button", name="Check now").click()
    expect(page.locator(".check-part .status")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("is set", exact=True)).to_be_visible()
    assert "no-such-token" not in page.content()

    page.set_viewport_size({"width": 360, "height": 740})
    for path in (page.url, "/resources", "/environments", "/environments/new"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
