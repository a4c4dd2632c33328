"""What pages do in a browser besides the main way: keyboard, widths, many steps, hostile text, conflicts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Gate
from tests.browser.flows import GREETING, delay, dumps, expect_status, flow_of, write
from tests.servers.stack import LiveStack

HOSTILE = '<img src=x onerror="window.hacked = true"><script>window.hacked = true</script>'


def saved_flow(stack: LiveStack, name: str) -> str:
    flow: dict[str, str] = stack.session().post("flows", json=flow_of(delay("wait", 1), name=name))
    return flow["id"]


def run_of(stack: LiveStack, *steps: dict[str, object], name: str = "Browser flow") -> str:
    execution: dict[str, str] = stack.session().post("flows/run", json={"flow": flow_of(*steps, name=name)})
    return execution["id"]


def test_the_list_by_keyboard(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    ids = [run_of(live_stack, delay("wait", 1), name="By keyboard") for _ in range(2)]
    page.goto("/executions?search=By+keyboard")
    page.keyboard.press("j")
    expect(page.locator(".run-row[data-current]")).to_have_attribute("data-run", ids[1])
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#bulk-count")).to_have_text("1")
    page.locator("[data-bulk=rerun]").click()
    expect(page.locator(".run-row")).to_have_count(3)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator(f"[data-run='{ids[0]}'] .run-link").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(ids[0]))


def test_filters_stand_in_the_address(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    run_of(live_stack, delay("wait", 1), name="Filtered away")
    page.goto("/executions")
    page.locator("#search").fill("no such flow")
    expect(page.get_by_text("No run matches")).to_be_visible()
    assert page.url.endswith("/executions?search=no%20such%20flow")
    page.go_back()
    expect(page.locator(".run-row").first).to_be_visible()


def test_a_thousand_steps_keep_the_page_small(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    steps = [delay(f"step_{number}", 1, disabled=True) for number in range(1_000)]
    page.goto(f"/executions/{run_of(live_stack, *steps)}")
    expect_status(page, "Completed", seconds=60)
    assert page.locator(".step-row").count() < 80
    page.locator(".step-view").evaluate("view => view.scrollTo(0, view.scrollHeight)")
    expect(page.locator("[data-step=step_999]")).to_be_visible()
    assert page.locator("*").count() < 1_500
    page.goto(page.url.split("#")[0] + "#step=step_500")
    expect(page.locator("[data-step=step_500]")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(
    chromium_browser: Browser, signed_in_page: Page, live_stack: LiveStack, scheme: str
) -> None:
    flow, run = (
        saved_flow(live_stack, "Fits " + "a" * 80),
        run_of(live_stack, delay("b" * 64, 1), name="c" * 90),
    )
    page = signed_in_page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 360, "height": 740})
    for path in (
        "/executions",
        f"/executions/{run}",
        f"/executions/{run}#step={'b' * 64}",
        "/flows",
        f"/flows/{flow}",
        "/flows/new",
    ):
        page.goto(path)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_what_comes_from_outside_is_text(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    step = delay(
        "wait",
        1,
        assertions=[
            {"field": "delayedMs", "operator": "equals", "expectedValue": HOSTILE, "message": HOSTILE}
        ],
    )
    run = run_of(live_stack, step, name=HOSTILE)
    page.goto(f"/executions/{run}#step=wait")
    expect_status(page, "Failed")
    expect(page.locator("#failure")).to_contain_text(HOSTILE)
    expect(page.locator("#panel .expected-actual")).to_contain_text(HOSTILE)
    page.goto("/executions")
    expect(page.locator(f"[data-run='{run}']")).to_contain_text(HOSTILE)
    page.goto("/flows/new")
    write(page, dumps(flow_of(delay(HOSTILE, 1), name=HOSTILE)))
    expect(page.locator("#problems .problem").first).to_be_visible()
    assert page.evaluate("window.hacked") is None


WRONG = {"field": "status", "operator": "equals", "expectedValue": 418}


def test_a_step_that_fails_while_it_is_open_shows_its_assertions(
    signed_in_page: Page, live_stack: LiveStack, gate: Gate
) -> None:
    page = signed_in_page
    slow = gate.step("wait", assertions=[WRONG])
    page.goto(f"/executions/{run_of(live_stack, slow)}#step=wait")
    expect(page.get_by_role("tab", name="Response")).to_have_attribute("aria-selected", "true")
    gate.open()
    expect_status(page, "Failed")
    expect(page.get_by_role("tab", name="Assertions")).to_have_attribute("aria-selected", "true")


def test_the_tab_that_was_picked_stays(signed_in_page: Page, live_stack: LiveStack, gate: Gate) -> None:
    page = signed_in_page
    slow = gate.step("wait", assertions=[WRONG])
    page.goto(f"/executions/{run_of(live_stack, slow)}#step=wait")
    page.get_by_role("tab", name="Request").click()
    gate.open()
    expect_status(page, "Failed")
    expect(page.get_by_role("tab", name="Assertions")).to_be_visible()
    expect(page.get_by_role("tab", name="Request")).to_have_attribute("aria-selected", "true")


def test_a_stale_save_keeps_the_text(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    flow = saved_flow(live_stack, "Contended")
    page.goto(f"/flows/{flow}")
    live_stack.session().request("PUT", f"flows/{flow}", json=flow_of(delay("theirs", 1), name="Contended"))
    mine = dumps(flow_of(delay("mine", 1), name="Contended"))
    write(page, mine)
    page.keyboard.press("Control+s")
    expect(page.locator("#save-trouble")).to_contain_text("somebody else changed this flow")
    assert page.locator("#text").input_value() == mine
    page.get_by_role("button", name="Save my version anyway").click()
    expect(page.locator("h1")).to_contain_text("v3")
    page.get_by_role("button", name="Changes of version 3").click()
    expect(page.locator("#diff .add").first).to_contain_text("mine")


def test_restore_and_delete(signed_in_page: Page, live_stack: LiveStack) -> None:
    page = signed_in_page
    flow = saved_flow(live_stack, "Restored")
    live_stack.session().request("PUT", f"flows/{flow}", json=flow_of(delay("wait", 1), name="Changed"))
    page.goto(f"/flows/{flow}")
    page.get_by_role("button", name="Restore version 1").click()
    expect(page.locator("h1")).to_contain_text("Restored v3")
    page.get_by_role("button", name="Delete flow").click()
    page.locator("#delete-now").click()
    page.wait_for_url(re.compile(r"/flows$"))
    expect(page.get_by_text("Restored", exact=True)).to_have_count(0)


def test_a_draft_runs_without_being_saved(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/flows/new")
    write(page, GREETING)
    page.get_by_role("button", name="Run without saving").click()
    page.get_by_label("pause").fill("1")
    page.locator("#run-start").click()
    page.wait_for_url(re.compile("/executions/"))
    expect(page.locator("h1")).to_contain_text("draft")
    expect_status(page, "Completed")


def test_the_editor_indents_and_lets_go(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/flows/new")
    write(page, "steps:")
    area = page.locator("#text")
    area.press("End")
    area.press("Enter")
    area.type("- name: a")
    area.press("Enter")
    area.type("b: 1")
    assert area.input_value() == "steps:\n  - name: a\n    b: 1"
    area.press("Tab")
    assert area.input_value().endswith("b: 1  ")
    area.press("Escape")
    area.press("Tab")
    expect(area).not_to_be_focused()
    page.evaluate("window.onbeforeunload = null")


def test_the_editor_lists_what_can_be_referred_to(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/flows/new")
    write(page, GREETING + '  - name: third\n    stepType: delay\n    meta: {delayMs: "')
    area = page.locator("#text")
    area.press("End")
    area.type("${")
    names = page.locator("#completion [role=option]")
    expect(names.nth(0)).to_have_text(re.compile("^pause"))
    expect(names.nth(0)).to_have_attribute("aria-selected", "true")
    expect(names.nth(3)).to_have_text(re.compile("^first"))
    area.type("pa")
    expect(names).to_have_count(1)
    area.press("Tab")
    assert area.input_value().endswith('delayMs: "${pause}')
    expect(page.locator("#completion")).to_be_hidden()


def test_the_theme_is_kept(signed_in_page: Page) -> None:
    page = signed_in_page
    page.emulate_media(color_scheme="light")
    page.locator("#theme-toggle").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_pages_work_under_a_strict_content_security_policy(
    signed_in_page: Page, live_stack: LiveStack
) -> None:
    page = signed_in_page
    refused: list[str] = []
    # Other errors are of no interest here: Chromium refuses sockets to pages whose answers were changed on the way.
    page.on(
        "console",
        lambda message: refused.append(message.text) if "Content Security" in message.text else None,
    )

    def with_policy(route: Route) -> None:
        response = route.fetch()
        route.fulfill(
            response=response, headers={**response.headers, "content-security-policy": "default-src 'self'"}
        )

    page.route(re.compile(r"/(executions|flows)[^.]*$"), with_policy)
    flow, run = saved_flow(live_stack, "Under a policy"), run_of(live_stack, delay("wait", 1))
    for path in ("/executions", f"/executions/{run}#step=wait", "/flows", f"/flows/{flow}"):
        page.goto(path)
        page.wait_for_timeout(500)
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#run-start").click()
    page.wait_for_url(re.compile("/executions/"))
    expect_status(page, "Completed")
    assert refused == []
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
    assert refused != []  # the policy was in force
