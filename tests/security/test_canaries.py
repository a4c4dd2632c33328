"""Canary secrets planted everywhere, a full run, and a search through everything that the service keeps or says."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import requests
import yaml
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.security.canary import core, core_of, forms_of, leaks, make_canary
from tests.security.canary_flows import PLAIN, canary_flow, child_flow
from tests.security.pages import signed_in
from tests.security.telltale import RefusingRedis, Telltale
from tests.servers.stack import LiveSession, LiveStack

KEPT = ("default", "run", "environment", "password", "redis", "child")
GIVEN = ("extract", "access", "late")
END = b"enough was heard"


@pytest.fixture(scope="module")
def canaries() -> dict[str, str]:
    # What goes into headers and tokens has to be one word; the others hold what each encoding changes.
    words = {name: f"{name}-{core()}" for name in ("access", "redis", "extract")}
    return {name: words.get(name) or make_canary(name) for name in (*KEPT, *GIVEN)}


# --- planting ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planted(live_stack: LiveStack, canaries: dict[str, str]) -> Iterator[Planted]:
    told, refusing = Telltale({name: canaries[name] for name in GIVEN}), RefusingRedis()
    yield Planted(live_stack, canaries, told, refusing)
    told.shutdown()
    refusing.shutdown()


class Planted:
    """A full run of the canaries, and everything that was heard of it meanwhile."""

    def __init__(
        self, stack: LiveStack, canaries: dict[str, str], told: Telltale, refusing: RefusingRedis
    ) -> None:
        self.stack, self.told = stack, told
        self.session = stack.session()
        self.team = self.session.get("teams")["results"][0]["id"]
        self.environment = self._make(canaries, refusing)["id"]
        child = self.session.post("flows", child_flow())
        made = self._save(canary_flow(told.url, child["id"], canaries["default"]))
        self.flow = made["id"]
        with listening(stack) as self.broker:
            self.answer = self._run(canaries)
            self.execution = self.answer["id"]
            self.stream = watched(stack, self.session, self.execution)
            again = self.session.post(f"executions/{self.execution}/rerun", {"fromStep": "resource"})
            watched(stack, self.session, again["id"])
            self.again = again["id"]

    def _make(self, canaries: dict[str, str], refusing: RefusingRedis) -> Any:
        http_config = {
            "baseUrl": self.told.url,
            "auth": {"type": "basic", "username": "me", "password": canaries["password"]},
        }
        redis_config = {"host": "127.0.0.1", "port": refusing.port, "password": canaries["redis"]}
        self.resources = [
            self.session.post("resources", {"name": "told-http", "type": "http", "config": http_config})[
                "id"
            ],
            self.session.post("resources", {"name": "told-redis", "type": "redis", "config": redis_config})[
                "id"
            ],
        ]
        variables = [
            {"name": "env_secret", "value": canaries["environment"], "secret": True},
            {"name": "child_secret", "value": canaries["child"], "secret": True},
        ]
        return self.session.post("environments", {"name": "canaries", "variables": variables})

    def _save(self, flow: Any) -> Any:
        """Save as the editor does, which keeps the text too."""
        browser = signed_in(self.stack.url)
        headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Content-Type": "application/yaml"}
        text = yaml.safe_dump(flow, allow_unicode=True)
        address = f"{self.stack.url}/flows/new?team={self.team}"
        saved = browser.post(address, data=text.encode(), headers=headers, timeout=20)
        assert saved.status_code == 201, saved.text
        return saved.json()

    def _run(self, canaries: dict[str, str]) -> Any:
        variables = [{"name": "run_secret", "value": canaries["run"]}]
        wanted = {"flowId": self.flow, "environmentId": self.environment, "variables": variables}
        return self.session.post("flows/run", wanted)


@contextmanager
def listening(stack: LiveStack) -> Iterator[bytearray]:
    """Hear every command that the broker gets, from everybody."""
    heard, ready = bytearray(), threading.Event()
    client = redis.Redis.from_url(stack.environment["REDIS_URL"], socket_timeout=60)

    def hear() -> None:
        with client.monitor() as monitor:  # type: ignore[no-untyped-call]  # the library has no types for it
            ready.set()
            while END not in heard:
                heard.extend(f"{monitor.next_command()['command']}\n".encode())

    thread = threading.Thread(target=hear, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield heard
    finally:
        client.echo(END.decode())
        thread.join(10)
        client.close()


def watched(stack: LiveStack, session: LiveSession, execution: str) -> bytes:
    """Return everything that the execution's stream says until it ends."""
    said = []
    address = f"{stack.web_socket_url}/api/v1/executions/{execution}/stream"
    with connect(address, subprotocols=["bearer", session.token], max_size=None) as socket:  # type: ignore[list-item]  # plain text
        try:
            while True:
                said.append(socket.recv(timeout=60))
        except ConnectionClosed:
            pass
    return "\n".join(str(each) for each in said).encode()


# --- searching --------------------------------------------------------------------------------------


def database_of(stack: LiveStack) -> dict[str, bytes]:
    """Return every table's rows as text, and of SQLite the files too."""
    address = stack.environment["DATABASE_URL"]
    if address.startswith("sqlite"):
        path = Path(address.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path)) as database:
            names = [
                name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            found = {
                name: repr(database.execute(f'SELECT * FROM "{name}"').fetchall()).encode()  # noqa: S608 - its own tables
                for name in names
            }
        return found | {each.name: each.read_bytes() for each in path.parent.glob(f"{path.name}*")}
    with psycopg.connect(address) as server:
        names = [
            name for (name,) in server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        rows = {
            name: server.execute(f'SELECT t::text FROM "{name}" t'.encode()).fetchall()  # noqa: S608 - as above
            for name in names
        }
    return {name: "\n".join(text for (text,) in each).encode() for name, each in rows.items()}


def rest_answers(planted: Planted) -> dict[str, bytes]:
    execution, session = planted.execution, planted.session
    steps = session.get(f"executions/{execution}")["steps"]
    [child] = [step["response"]["executionId"] for step in steps if step["name"] == "child"]
    run = f"executions/{execution}"
    paths = [
        *(
            "executions",
            run,
            f"{run}/junit.xml",
            f"{run}/compare/{planted.again}",
            f"executions/{planted.again}",
        ),
        *(f"{run}/steps/{step['id']}" for step in steps),
        *(f"executions/{child}", f"executions/{child}/junit.xml"),
        *(
            "flows",
            f"flows/{planted.flow}",
            f"flows/{planted.flow}/versions",
            f"flows/{planted.flow}/versions/1",
        ),
        *("flows/export", "flows/export?format=json", "resources", "environments", "audit-log", "teams"),
        *(f"resources/{each}" for each in planted.resources),
        f"environments/{planted.environment}",
    ]
    answers = {path: session.request("GET", path) for path in paths}
    answers["check"] = session.request("POST", f"resources/{planted.resources[1]}/check")
    failed = {path: answer.status_code for path, answer in answers.items() if not answer.ok}
    assert not failed
    return {f"REST {path}": answer.content for path, answer in answers.items()}


def pages(planted: Planted) -> dict[str, bytes]:
    """Return the pages, and every list and form of the admin that its index leads to."""
    browser = signed_in(planted.stack.url)
    paths = [
        *("/executions", f"/executions/{planted.execution}", "/flows", f"/flows/{planted.flow}"),
        *("/resources", *(f"/resources/{each}" for each in planted.resources)),
        *("/environments", f"/environments/{planted.environment}"),
    ]
    index = browser.get(f"{planted.stack.url}/admin/", timeout=20).text
    lists = sorted(set(re.findall(r'href="(/admin/[a-z_]+/[a-z_]+/)"', index)))
    assert "/admin/executions/execution/" in lists
    found = {}
    for path in [*paths, *lists]:
        found[f"page {path}"] = _page(browser, planted.stack.url + path)
    for path in lists:
        rows = set(re.findall(rf'href="({path}[^"/]+/change/)', found[f"page {path}"].decode()))
        for row in sorted(rows)[:6]:
            found[f"page {row}"] = _page(browser, planted.stack.url + row)
    return found


def _page(browser: requests.Session, url: str) -> bytes:
    answer = browser.get(url, timeout=20)
    assert answer.status_code == 200, url
    return answer.content


def test_no_canary_is_found_anywhere(planted: Planted, canaries: dict[str, str]) -> None:
    execution = planted.session.get(f"executions/{planted.execution}")
    heard = bytes(planted.told.heard)
    used = {name for name, canary in canaries.items() if any(form in heard for form in forms_of(canary))}
    # The flow did what it was written for: else there would be nothing to leak.
    assert used >= set(canaries) - {"redis", "late"}
    assert core_of(canaries["late"]).encode() in heard, (
        "the clean-up step used what the background step extracted"
    )
    statuses = {step["name"]: step["status"] for step in execution["steps"]}
    assert "SKIPPED" not in statuses.values(), statuses
    assert statuses["cache"] == "ERROR"

    found = {
        **database_of(planted.stack),
        "worker log": (planted.stack.folder / "worker.log").read_bytes(),
        "web log": (planted.stack.folder / "web.log").read_bytes(),
        "broker": bytes(planted.broker),
        "WebSocket": planted.stream,
        "run answer": json.dumps(planted.answer).encode(),
        **rest_answers(planted),
        **pages(planted),
    }

    # What is no secret is found, so the search does search.
    for place in ("executions_executionstep", "WebSocket", f"REST executions/{planted.execution}"):
        assert PLAIN.encode() in found[place], place
    assert b"run_step" in found["broker"]
    found_leaks = leaks(found, canaries)
    assert not found_leaks, "\n".join(found_leaks)
