"""All secrets through a running installation, with a worker and a web server, and a search at every door of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.security.doors import database_of, kept_by_redis, listening, logs_of, pages_of, watched
from tests.security.echo import Echo
from tests.security.scene import declared, http, post
from tests.security.secrets import CANARIES, Canary, word
from tests.security.spellings import SPELLINGS
from tests.security.sweep import found
from tests.servers.stack import LiveSession, LiveStack, server_environment

#: No secret: what is found shows that the search works.
PLAIN = "PlainMarker98765"
#: How they are said in the short run; in the long one it is every spelling.
SOME = (
    "as_is", "json_ascii", "url", "base64_lines_of_76_unix", "hex_with_colons", "as_latin1", "html_decimal",
    "regex_escaped",
)  # fmt: skip
#: What only the resource, the environment, the child and the tested system know.
OTHERS = {
    name: Canary(name, word(24)) for name in ("keyed", "from_environment", "token", "access_token", "sid")
}
GIVEN = CANARIES["quotes"]
EVERYTHING = [*CANARIES.values(), *OTHERS.values()]


def child_flow(base: str) -> dict[str, Any]:
    kept = {"tok": {"path": "body.said.token", "secret": True}}
    steps = [
        http("login", f"{base}/body/as_is/token", extract=kept),
        post("told", f"{base}/mirror", {"note": "${note}", "tok": "${tok}"}),
    ]
    return {"name": "Child of all", "variables": [{"name": "note", "type": "string"}], "steps": steps}


def all_flow(base: str, child: str, spellings: Iterable[str]) -> dict[str, Any]:
    """Return a flow that does everything with every secret; its last part ends badly."""
    variables = [
        {**each, "defaultValue": None, "required": True} if each["name"] == GIVEN.name else each
        for each in declared(*CANARIES.values())
    ]
    for each in variables:
        if each.get("required"):
            del each["defaultValue"]
    steps = [*_getting(base, child), *_repeating(base, spellings), *_failing(base), *_inside(base)]
    return {"name": "All secrets", "labels": [PLAIN], "variables": variables, "steps": steps}


def _getting(base: str, child: str) -> list[dict[str, Any]]:
    auth = {
        "type": "oauth2ClientCredentials", "clientId": "me", "clientSecret": "${base64}",
        "tokenUrl": f"{base}/token/as_is/access_token",
    }  # fmt: skip
    call = {"flowId": child, "variables": {"note": "it is ${quotes} and ${pem}"}}
    return [
        http("resource", "/mirror", {"resourceId": "keyed", "headers": {"X-E": "${from_environment}"}}),
        http("oauth", f"{base}/mirror", {"auth": auth}),
        http("cookie", f"{base}/cookie/as_is/sid", {"cookieJar": "jar"}),
        http("again", f"{base}/mirror?sid=${{cookie.cookies.sid}}", {"cookieJar": "jar"}),
        {"name": "sub", "stepType": "flow", "meta": call, "continueOnFailure": True},
        http("beside", f"{base}/mirror?t=${{sub.variables.tok}}", runInBackground=True),
    ]


def _repeating(base: str, spellings: Iterable[str]) -> list[dict[str, Any]]:
    wrong = [{"field": "body.said", "operator": "equals", "expectedValue": {"word": PLAIN}}]
    return [
        post("sent", f"{base}/mirror", {"plain": PLAIN, **{name: f"${{{name}}}" for name in CANARIES}}),
        *(http(spelling, f"{base}/body/{spelling}/all", assertions=wrong) for spelling in spellings),
        post("results", f"{base}/mirror", {"a": "${resource.body}", "b": "${as_is.body}", "c": "${sub.variables}"}),
    ]  # fmt: skip


def _failing(base: str) -> list[dict[str, Any]]:
    umlauts = [
        http(f"{place}_{name}", f"{base}/{place}/as_is/{name}")
        for place in ("failure", "garbage", "reason", "header", "nowhere", "length")
        for name in ("umlauts", "cyrillic", "token")
    ]
    return [
        *umlauts,
        http("closed", "http://127.0.0.1:1/${word}/${jwt}"),
        http("nonsense", "nonsense ${jwt} ${umlauts}"),
        http("retried", f"{base}/failure/base64_of_json/quotes", retry={"maxRetries": 2, "initialDelayMs": 1}),
        http("until", f"{base}/body/as_is/jwt", until={"timeoutMs": 300, "intervalMs": 50},
             assertions=[{"field": "body.said.jwt", "operator": "equals", "expectedValue": "x${jwt}"}]),
    ]  # fmt: skip


def _inside(base: str) -> list[dict[str, Any]]:
    condition = {"left": "${jwt}", "operator": "contains", "right": "."}
    branches = {
        "branches": [{"condition": condition, "steps": [http("inside", f"{base}/mirror?${{jwt}}=1")]}]
    }
    wrong = {"branches": [{"condition": {**condition, "operator": "gt"}, "steps": []}]}
    return [
        http(
            "each", f"{base}/mirror?item=${{item}}", forEach=["${word}", "x${quotes}", "${sub.variables.tok}"]
        ),
        {"name": "branch", "stepType": "condition", "continueOnFailure": True, "meta": branches},
        {"name": "compared", "stepType": "condition", "continueOnFailure": True, "meta": wrong},
        http("last", f"{base}/text/as_is/all", alwaysRun=True),
    ]


@dataclass
class Planted:
    """A full run of the canaries, and everything that was heard of it meanwhile."""

    stack: LiveStack
    echo: Echo
    spellings: Iterable[str] = SOME
    session: LiveSession = field(init=False)
    places: dict[str, bytes] = field(default_factory=dict)
    run: str = ""

    def __post_init__(self) -> None:
        self.session = self.stack.session()
        self._make()
        with listening(self.stack) as heard:
            self._run()
            self.places["Redis, while it ran"] = kept_by_redis(self.stack)
        self.places["broker"] = bytes(heard)
        self._look_around()

    def _make(self) -> None:
        keyed = {"baseUrl": self.echo.url, "auth": {"type": "bearer", "token": OTHERS["keyed"].written}}
        self.session.post("resources", {"name": "keyed", "type": "http", "config": keyed})
        secret = {"name": "from_environment", "value": OTHERS["from_environment"].written, "secret": True}
        made = self.session.post("environments", {"name": "all secrets", "variables": [secret]})
        child = self.session.post("flows", child_flow(self.echo.url))
        flow = self.session.post("flows", all_flow(self.echo.url, child["id"], self.spellings))
        self.asked = {
            "flowId": flow["id"], "environmentId": made["id"],
            "variables": [{"name": GIVEN.name, "value": GIVEN.value}],
        }  # fmt: skip

    def _run(self) -> None:
        answer = self.session.post("flows/run", self.asked)
        self.run = answer["id"]
        self.places["run answer"] = json.dumps(answer).encode()
        self.places["WebSocket"] = watched(self.stack, self.session, self.run)
        for options in (
            {"fromStep": "results"},
            {"from": "FAILED"},
            {"fromStep": "each", "version": "LATEST"},
        ):
            again = self.session.post(f"executions/{self.run}/rerun", options)
            self.places[f"WebSocket of {options}"] = watched(self.stack, self.session, again["id"])

    def _look_around(self) -> None:
        runs = [row["id"] for row in self.session.get("executions", flowId=self.asked["flowId"])["results"]]
        paths = [path for run in runs for path in self._paths(run)]
        paths += [
            "executions",
            "flows",
            f"flows/{self.asked['flowId']}",
            "flows/export",
            "flows/export?format=json",
        ]
        paths += ["resources", "environments", "audit-log", f"flows/{self.asked['flowId']}/versions"]
        self.places |= {f"REST {path}": self._rest(path) for path in paths}
        pages = ["/executions", "/flows", f"/flows/{self.asked['flowId']}", "/resources", "/environments"]
        self.places |= pages_of(self.stack, [*pages, *(f"/executions/{run}" for run in runs)])
        self.places["metrics"] = requests.get(f"{self.stack.url}/metrics", timeout=20).content
        self.places["Redis, afterwards"] = kept_by_redis(self.stack)
        self.places |= {f"table {name}": text for name, text in database_of(self.stack).items()}
        self.places |= logs_of(self.stack)

    def _paths(self, run: str) -> Iterator[str]:
        steps = self.session.get(f"executions/{run}")["steps"]
        yield from (f"executions/{run}", f"executions/{run}/junit.xml")
        yield from (f"executions/{run}/steps/{step['id']}" for step in steps)
        if run != self.run:
            yield f"executions/{run}/compare/{self.run}"

    def _rest(self, path: str) -> bytes:
        answer = self.session.request("GET", path)
        assert answer.ok, (path, answer.text)
        return answer.content

    def statuses(self) -> dict[str, str]:
        """Return the statuses of the first run's steps."""
        return {each["name"]: each["status"] for each in self.session.get(f"executions/{self.run}")["steps"]}


@pytest.fixture(scope="module")
def speaking() -> Iterator[Echo]:
    """A tested system that knows all of them."""
    server = Echo(CANARIES)
    server.canaries |= OTHERS
    yield server
    server.shutdown()
    server.server_close()


def search(planted: Planted) -> None:
    """Nothing is found, although everything was there to be found."""
    statuses = planted.statuses()
    assert "SKIPPED" not in statuses.values(), statuses
    done = ("resource", "oauth", "again", "sub", "beside", "sent", "results", "each", "inside", "last")
    assert {name: statuses[name] for name in done} == dict.fromkeys(done, "SUCCESS")
    heard = bytes(planted.echo.heard)
    assert {each.name for each in OTHERS.values() if each.written.encode() in heard} == set(OTHERS)
    # What is no secret is found, so the search does search.
    for place in ("table executions_executionstep", "WebSocket", f"REST executions/{planted.run}"):
        assert PLAIN.encode() in planted.places[place], place
    assert b"run_step" in planted.places["broker"]
    # Its own list of known values is what the tested system says; the canaries of the search must not be too few.
    assert found(EVERYTHING, {"what was sent": heard})
    leaks = found(EVERYTHING, planted.places)
    assert not leaks, "\n".join(leaks)


def test_nothing_is_found_at_any_door(live_stack: LiveStack, speaking: Echo) -> None:
    search(Planted(live_stack, speaking))


@pytest.mark.soak
def test_nothing_is_found_in_json_logs_and_traces(tmp_path: Path, speaking: Echo) -> None:
    """The same with logs as JSON, everything logged, and traces sent to a collector that keeps what it gets."""
    collector = Echo({})
    environment = server_environment(
        DATA_DIR=str(tmp_path), DATABASE_URL=f"sqlite:///{tmp_path / 'own.sqlite3'}", LOG_FORMAT="json",
        LOG_LEVEL="DEBUG", OTEL_EXPORTER_OTLP_ENDPOINT=f"{collector.url}/mirror",
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "metrics"),
    )  # fmt: skip
    stack = LiveStack(tmp_path, environment)
    try:
        planted = Planted(stack.start(), speaking, SPELLINGS)
    finally:
        stack.stop()
        collector.shutdown()
    assert b"/v1/traces" in collector.heard
    planted.places["traces"] = bytes(collector.heard)
    planted.places |= logs_of(stack)
    assert b"run_step" in planted.places["worker.log"]
    leaks = found(EVERYTHING, planted.places)
    assert not leaks, "\n".join(leaks)
