"""Canary secrets planted everywhere, a full run, and a search through everything that the service keeps or says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.security.canary import core, core_of, forms_of, leaks, make_canary
from tests.security.canary_flows import PLAIN, canary_flow, child_flow
from tests.security.doors import database_of, listening, pages_of, watched
from tests.security.pages import signed_in
from tests.security.telltale import RefusingRedis, Telltale
from tests.servers.stack import LiveStack

KEPT = ("default", "run", "environment", "password", "redis", "child")
GIVEN = ("extract", "access", "late")


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


# --- searching --------------------------------------------------------------------------------------


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


def pages(planted: Planted) -> list[str]:
    return [
        *("/executions", f"/executions/{planted.execution}", "/flows", f"/flows/{planted.flow}"),
        *("/resources", *(f"/resources/{each}" for each in planted.resources)),
        *("/environments", f"/environments/{planted.environment}"),
    ]


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
        **pages_of(planted.stack, pages(planted)),
    }

    # What is no secret is found, so the search does search.
    for place in ("executions_executionstep", "WebSocket", f"REST executions/{planted.execution}"):
        assert PLAIN.encode() in found[place], place
    assert b"run_step" in found["broker"]
    found_leaks = leaks(found, canaries)
    assert not found_leaks, "\n".join(found_leaks)
