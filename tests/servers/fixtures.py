"""Fixtures that hand real servers to tests; a server that cannot be had skips them with its reason."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import Browser, Page, StorageState

from tests.servers.brokers import broker_environment
from tests.servers.chromium import chromium
from tests.servers.server import Unavailable
from tests.servers.stack import ADMIN_EMAIL, ADMIN_PASSWORD, LiveStack, Worker, server_environment


def missing(config: pytest.Config, problem: Unavailable) -> NoReturn:
    """Skip the test and say why; fail it under --require-all."""
    if config.getoption("require_all"):
        pytest.fail(f"--require-all: {problem}", pytrace=False)
    pytest.skip(str(problem))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port of this machine at which connections are accepted and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def worker_process(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A Celery worker process on the test database, started when first asked for.

    It ends with the module: its sweeper would take the rows of tests that want none.
    """
    folder = tmp_path_factory.mktemp("worker")
    environment = server_environment(
        DATABASE_URL=test_database_url(),
        REDIS_URL=settings.REDIS_URL,
        CELERY_BROKER_URL=settings.CELERY_BROKER_URL,
    )
    process = Worker(environment, folder / "worker.log").start()
    yield process
    process.stop()


@pytest.fixture
def worker(transactional_db: None, worker_process: Worker) -> Iterator[Worker]:
    """A running Celery worker that sees what the test writes: real commits, emptied tables afterwards."""
    yield worker_process.start()  # a test before may have killed it
    worker_process.thaw()
    win_deadlocks()


def win_deadlocks() -> None:
    """Let the worker lose a deadlock with the emptying of the tables: a run may still be going on.

    PostgreSQL ends the transaction whose deadlock_timeout is over first. The worker tries again; the test would fail.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '30s'")


def test_database_url() -> str:
    """Return the DATABASE_URL of the database that this test process uses."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"


test_database_url.__test__ = False  # type: ignore[attr-defined] # the name tells what it is, and it is no test


@pytest.fixture(scope="session")
def live_stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LiveStack]:
    """A whole installation of its own (database, worker, web server) for tests over real sockets."""
    folder = tmp_path_factory.mktemp("live")
    # Valkey's numbers above 31 belong to the live stacks, those below to the workers on the test databases.
    server, number = settings.REDIS_URL.rsplit("/", 1)
    environment = server_environment(
        DATA_DIR=str(folder), DATABASE_URL=_own_database(folder), REDIS_URL=f"{server}/{32 + int(number)}",
        PROMETHEUS_MULTIPROC_DIR=str(folder / "metrics"), **broker_environment(32 + int(number)),
    )  # fmt: skip
    stack = LiveStack(folder, environment)
    try:
        stack.start()
    except Unavailable as problem:
        stack.stop()
        # Not a server that this machine lacks, but our own that does not start: that is never a skip.
        pytest.fail(str(problem), pytrace=False)
    yield stack
    stack.stop()


def _own_database(folder: Path) -> str:
    if settings.IS_SQLITE:
        return f"sqlite:///{folder / 'live.sqlite3'}"
    name = "live_" + os.environ.get("PYTEST_XDIST_WORKER", "main")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture(scope="module")
def chromium_browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """The browser process; tests take `chromium_page`.

    It ends with the module: Playwright keeps an event loop running in this thread, in which `asyncio.run` is refused.
    """
    try:
        with chromium() as browser:
            yield browser
    except Unavailable as problem:
        missing(pytestconfig, problem)


@pytest.fixture
def chromium_page(chromium_browser: Browser, live_stack: LiveStack) -> Iterator[Page]:
    """A fresh page (own cookies, own storage) whose relative addresses are those of the live stack."""
    with _page(chromium_browser, live_stack) as page:
        yield page


@pytest.fixture(scope="module")
def signed_in_state(chromium_browser: Browser, live_stack: LiveStack) -> StorageState:
    """The cookies of the administrator, who signed in once on the sign-in page."""
    with _page(chromium_browser, live_stack) as page:
        page.goto("/sign-in")
        page.fill("input[type=email]", ADMIN_EMAIL)
        page.fill("input[type=password]", ADMIN_PASSWORD)
        page.press("input[type=password]", "Enter")
        page.wait_for_url("**/executions**")
        return page.context.storage_state()


@pytest.fixture
def signed_in_page(
    chromium_browser: Browser, live_stack: LiveStack, signed_in_state: StorageState
) -> Iterator[Page]:
    """A fresh page on which the administrator of the live stack is signed in, at the list of runs."""
    with _page(chromium_browser, live_stack, signed_in_state) as page:
        page.goto("/executions")
        yield page


@contextmanager
def _page(browser: Browser, stack: LiveStack, state: StorageState | None = None) -> Iterator[Page]:
    context = browser.new_context(
        base_url=stack.url, viewport={"width": 1280, "height": 900}, storage_state=state
    )
    page = context.new_page()
    page.on("console", lambda message: print("console:", message.text))  # noqa: T201 - shown where a test fails
    page.on("pageerror", lambda error: print("error on the page:", error))  # noqa: T201 - as above
    yield page
    context.close()
