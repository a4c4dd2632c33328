"""What a test that drives whole processes or a browser gets: their logs when it fails, and in CI one more try.

See docs/adr/0009-a-second-chance-in-ci.md. Loaded with `-p` (pyproject.toml).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from playwright.sync_api import Error, Page

from tests.servers.stack import LiveStack, Worker

#: Fixtures behind which whole processes of ours, or a browser, work; `@pytest.mark.processes` says the same.
PROCESSES = frozenset({"live_stack", "worker", "chromium_browser"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that CI alone gives."""
    parser.getgroup("servers").addoption(
        "--second-chance",
        action="store_true",
        help="run a failed test that drives whole processes or a browser once more (for CI)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that get the second chance; a plain test never does."""
    if config.getoption("second_chance"):
        for item in items:
            if drives_processes(item):
                item.add_marker(pytest.mark.flaky(reruns=1))


def drives_processes(item: pytest.Item) -> bool:
    """Return whether more than the test's own process decides how it ends."""
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return item.get_closest_marker("processes") is not None or not PROCESSES.isdisjoint(fixtures)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the processes wrote to the report of a failed test."""
    report = yield
    if report.failed:
        used: dict[str, Any] = getattr(item, "funcargs", {})
        told = {
            text: name for name in sorted(used) if (text := told_by(used[name]))
        }  # a fixture may hand on another's
        report.sections += [(name, text) for text, name in told.items()]
    return report


def told_by(used: object) -> str:
    """Return what a fixture has to say of a failure: the ends of its logs, or what is on the page; "" for others."""
    if isinstance(used, LiveStack | Worker):
        return used.logs()
    if isinstance(used, Page):
        try:
            return f"{used.url}\n{used.inner_text('body', timeout=2_000)[:4_000]}"
        except Error as problem:  # it may be closed, or hang, which is why the test failed
            return f"{used.url}: {problem}"
    return ""
