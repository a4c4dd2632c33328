"""The content security policy in a real browser: no page breaks it, and what is injected does not run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.flows import delay, flow_of
from tests.servers.stack import LiveStack

RECORD = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@pytest.fixture
def errors(signed_in_page: Page) -> Iterator[list[str]]:
    """What goes wrong on the pages that the test opens."""
    found: list[str] = []
    signed_in_page.add_init_script(RECORD)
    signed_in_page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


def violations(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.violations")
    return found


def test_no_page_breaks_the_policy(signed_in_page: Page, live_stack: LiveStack, errors: list[str]) -> None:
    page, session = signed_in_page, live_stack.session()
    run = session.post("flows/run", json={"flow": flow_of(delay("wait", 1), name="Policy")})["id"]
    flow = session.post("flows", json=flow_of(delay("wait", 1), name="Policy"))["id"]
    ours = [
        *("/executions", f"/executions/{run}", "/flows", "/flows/new", f"/flows/{flow}"),
        *("/resources", "/resources/new?type=http", "/environments", "/environments/new"),
        *("/admin/", "/admin/executions/execution/", f"/admin/executions/execution/{run}/change/"),
        *(f"/admin/flows/flow/{flow}/change/", "/admin/accounts/user/add/"),
    ]
    assert {path: found for path in ours if (found := violations_on(page, path))} == {}
    # REST framework's own pages have style attributes; static/css/browsable-api.css stands in for those that matter.
    found = [*violations_on(page, "/api/v1/flows"), *violations_on(page, f"/api/v1/flows/{flow}")]
    assert [each for each in found if not each.startswith("style-src")] == []


def violations_on(page: Page, path: str) -> list[str]:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, path
    return violations(page)


def test_the_api_docs_work_under_the_policy(signed_in_page: Page, errors: list[str]) -> None:
    page = signed_in_page
    page.goto("/api/v1/docs")

    expect(page.locator(".opblock-tag").first).to_be_visible(timeout=60_000)  # it has read the schema
    assert violations(page) == []


def test_what_is_injected_does_not_run(signed_in_page: Page, errors: list[str]) -> None:
    page = signed_in_page
    page.goto("/executions")

    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.hacked = true";
      document.body.append(script);
      const markup = "<img src='x' onerror='window.hacked = true'><p style='color: red'>";
      document.body.insertAdjacentHTML("beforeend", markup);
    }""")

    page.wait_for_function("window.violations.length >= 3")
    assert page.evaluate("window.hacked") is None
