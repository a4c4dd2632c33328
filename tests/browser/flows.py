"""Flow texts of the browser tests: they need no other server than the stack's own."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

GREETING = """\
name: Greeting
labels: [browser]
variables:
  - {name: pause, type: integer, required: true, description: Milliseconds}
  - {name: api_key, type: string, secret: true, defaultValue: s3cret-default}
steps:
  - name: first
    stepType: delay
    meta: {delayMs: "${pause}"}
    assertions: [{field: delayedMs, operator: gte, expectedValue: 1}]
  - name: second
    stepType: delay
    meta: {delayMs: 700}
"""


def delay(name: str, milliseconds: int, **more: Any) -> dict[str, Any]:
    """Return a step that waits."""
    return {"name": name, "stepType": "delay", "meta": {"delayMs": milliseconds}, **more}


def flow_of(*steps: dict[str, Any], name: str = "Browser flow") -> dict[str, Any]:
    """Return a flow with these steps."""
    return {"name": name, "steps": list(steps)}


def failing(name: str, milliseconds: int = 10) -> dict[str, Any]:
    """Return a step whose assertion fails."""
    wrong = {"field": "delayedMs", "operator": "equals", "expectedValue": -1}
    return delay(name, milliseconds, assertions=[wrong])


def write(page: Page, text: str) -> None:
    """Put the text into the editor as a user would who pastes it."""
    page.locator("#text").fill(text)


def expect_status(page: Page, word: str, seconds: float = 20) -> None:
    """Wait until the run's badge says `word`."""
    expect(page.locator("#run-status")).to_have_text(word, timeout=seconds * 1_000)


def dumps(document: dict[str, Any]) -> str:
    """Return the document as the editor takes it: JSON is YAML."""
    return json.dumps(document, indent=1)


def copied(page: Page, button: Locator) -> str:
    """Press a Copy button; return what it put into the clipboard."""
    page.evaluate("""() => {
        delete document.body.dataset.copied;
        navigator.clipboard.writeText = async (text) => { document.body.dataset.copied = text; };
    }""")
    button.click()
    expect(page.locator("body")).to_have_attribute("data-copied", re.compile("."))
    return page.locator("body").get_attribute("data-copied") or ""
