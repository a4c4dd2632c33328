"""Debian's Chromium, driven by Playwright, with an empty profile and no traffic of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, expect, sync_playwright

from tests.servers.server import Unavailable

expect.set_options(
    timeout=20_000
)  # the page is right or it is not; how quick a busy machine is, benchmarks say

ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--metrics-recording-only",
    "--no-pings",
]


def chromium_binary() -> Path:
    """Return the browser's binary; raises Unavailable."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise Unavailable("no Chromium on PATH (Debian: apt-get install chromium)")
    return Path(found)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser with a new empty profile; end it afterwards. Raises Unavailable."""
    binary = chromium_binary()
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=binary, args=ARGUMENTS)
        except Error as problem:
            raise Unavailable(f"Chromium does not start: {problem}") from problem
        try:
            yield browser
        finally:
            browser.close()
