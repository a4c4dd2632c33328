"""What the service itself says of a value that it cannot use: the value is a secret, so it says it masked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.security.scene import Scene, declared, http, whole_run
from tests.security.secrets import CANARIES, Canary

NAMES = ("word", "jwt", "quotes", "cyrillic", "lines", "number", "object")


def known() -> list[Canary]:
    return [CANARIES[name] for name in NAMES]


def of_type(kind: str, meta: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    return {"stepType": kind, "meta": meta, "continueOnFailure": True, **envelope}


#: Steps that put the secret X where it cannot be used; some end well.
STEPS: dict[str, dict[str, Any]] = {
    "delay": of_type("delay", {"delayMs": "${X}"}),
    "url": of_type("http", {"url": "${X}"}),
    "url_after": of_type("http", {"url": "nonsense ${X}"}),
    "host": of_type("http", {"url": "http://${X}/"}),
    "port": of_type("http", {"url": "http://127.0.0.1:${X}/"}),
    "scheme": of_type("http", {"url": "${X}://127.0.0.1/"}),
    "header_name": of_type("http", {"url": "http://127.0.0.1:1/", "headers": {"X": "${X}"}}),
    "expected": of_type("http", {"url": "BASE/mirror", "expectedStatus": "${X}"}),
    "redirects": of_type("http", {"url": "BASE/mirror", "maxRedirects": "${X}"}),
    "shape": of_type("http", {"url": "BASE/mirror", "expectedResponse": {"said": "${X}"}}),
    "jar": of_type("http", {"url": "BASE/mirror", "cookieJar": "${X}"}),
    "auth": of_type("http", {"url": "BASE/mirror", "auth": "${X}"}),
    "multipart": of_type("http", {"url": "BASE/mirror", "method": "POST", "multipart": "${X}"}),
    "schema": of_type("http", {"url": "BASE/mirror"}, assertions=[
        {"field": "status", "operator": "matchesSchema", "expectedValue": {"type": "${X}"}},
        {"field": "status", "operator": "matchesSchema", "expectedValue": {"pattern": "(${X}"}},
        {"field": "status", "operator": "isType", "expectedValue": "${X}"},
        {"field": "status", "operator": "between", "expectedValue": ["${X}", 1]},
        {"field": "body.${X}", "operator": "equals", "expectedValue": 1},
        {"field": "$.body[?@.said == ${X}]", "operator": "equals", "expectedValue": 1},
        {"field": "body.said.url", "operator": "matches", "expectedValue": "(${X}"},
        {"field": "body.said.url", "operator": "hasLength", "expectedValue": "${X}"},
    ]),
    "extract": of_type("http", {"url": "BASE/mirror"}, extract={"out": "body.${X}"}),
    "each": of_type("http", {"url": "BASE/mirror"}, forEach="${X}"),
    "when": of_type("http", {"url": "BASE/mirror"}, when={"left": "${X}", "operator": "gt", "right": 1}),
    "branch": of_type("condition", {"branches": [
        {"condition": {"left": "a", "operator": "matches", "right": "(${X}"}, "steps": []}]}),
    "flow": of_type("flow", {"flowId": "${X}"}),
    "date": of_type("http", {"url": "BASE/mirror?${add(X,1)}${randomInt(X,2)}"}),
    "decode": of_type("http", {"url": "BASE/mirror?${base64Decode(X)}"}),
    "path": of_type("http", {"url": "BASE/mirror?${X.nothing}"}),
    "redis_ttl": of_type("redis", {"resourceId": "cache", "operation": "set", "key": "k", "value": "v", "ttl": "${X}"}),
    "redis_key": of_type("redis", {"resourceId": "${X}", "operation": "get", "key": "${X}"}),
    "sql_none": of_type("sql", {"resourceId": "db", "query": "select :x", "parameters": {"x": "${X}"}}),
    "sql_rows": of_type("sql", {"resourceId": "db", "query": "select 1", "maxRows": "${X}"}),
    "kafka_topic": of_type("kafka_publish", {"resourceId": "topics", "topic": "${X}", "message": "${X}"},
                           timeoutMs=500),
    "kafka_time": of_type("kafka_publish", {"resourceId": "topics", "topic": "a", "message": 1, "timestampMs": "${X}"},
                          timeoutMs=500),
    "kafka_pattern": of_type("kafka_subscribe", {
        "resourceId": "topics", "topic": "a", "searchPattern": {"matchType": "regex", "pattern": "(${X}"}},
        timeoutMs=500),
    "loki_time": of_type("loki", {"resourceId": "logs", "labels": {"app": "${X}"}, "relativeTime": "${X}"}),
    "loki_query": of_type("loki", {"resourceId": "logs", "query": "{app=~\".*${X}"}),
    "loki_all": of_type("loki", {"resourceId": "logs", "query": "{app=~\".*\"} |= \"${X}\""}),
    "prometheus_step": of_type("prometheus", {
        "resourceId": "metrics", "query": "up", "step": "${X}", "duration1": {"relativeTime": "5m"}}),
    "prometheus_window": of_type("prometheus", {
        "resourceId": "metrics", "query": "up", "duration1": {"relativeTime": "${X}"}}),
    "prometheus_query": of_type("prometheus", {
        "resourceId": "metrics", "query": "up + ${X}", "duration1": {"relativeTime": "5m"}}),
}  # fmt: skip


def step_with(scene: Scene, what: str, name: str) -> dict[str, Any]:
    return {"name": f"{what}_{name}", **_put(STEPS[what], {"${X}": f"${{{name}}}", "X,": f"{name},", "(X)": f"({name})",
                                                       "${X.": f"${{{name}.", "BASE": scene.echo.url})}  # fmt: skip


def _put(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _put(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [_put(each, words) for each in value]
    for old, new in words.items() if isinstance(value, str) else ():
        value = value.replace(old, new)
    return value


@pytest.fixture
def systems(scene: Scene) -> None:
    """Resources of which nothing answers, but for the HTTP API that refuses what it is asked."""
    scene.resource("cache", "redis", host="127.0.0.1", port=1)
    scene.resource(
        "db", "sql", engine="postgresql", host="127.0.0.1", port=1, database="d", user="u", password="p"
    )
    scene.resource("topics", "kafka", bootstrapServers="127.0.0.1:1")
    scene.resource("logs", "loki", url=scene.echo.url + "/refusal/as_is/word")
    scene.resource("metrics", "prometheus", url=scene.echo.url + "/json_refusal/as_is/jwt")


@pytest.mark.parametrize("what", STEPS)
def test_a_value_that_cannot_be_used(scene: Scene, systems: None, what: str) -> None:
    run = scene.run([step_with(scene, what, name) for name in NAMES], declared=declared(*known()))
    assert run.completed_at is not None, whole_run(run)
    scene.nothing_leaks(*known())


@pytest.mark.parametrize("kind", ["integer", "double", "boolean", "date"])
def test_a_secret_variable_of_the_wrong_type(scene: Scene, kind: str) -> None:
    variables = [{"name": "x", "type": kind, "secret": True, "required": True}]
    flow = scene.flow([http("a", f"{scene.echo.url}/mirror")], declared=variables)
    for name in ("word", "jwt", "quotes", "cyrillic", "lines"):
        given = [{"name": "x", "value": "{" + CANARIES[name].written}]
        answer = scene.client.post(
            "/api/v1/flows/run", {"flowId": str(flow.pk), "variables": given}, format="json"
        )
        assert answer.status_code == 400, answer.content
        scene.said.append(answer.content)
    scene.nothing_leaks(*known())


def test_a_secret_given_to_a_variable_that_is_not_there(scene: Scene) -> None:
    flow = scene.flow([http("a", f"{scene.echo.url}/mirror")])
    given = [{"name": "x", "value": CANARIES["word"].written}]
    answer = scene.client.post(
        "/api/v1/flows/run", {"flowId": str(flow.pk), "variables": given}, format="json"
    )
    assert answer.status_code == 400
    scene.said.append(answer.content)
    scene.nothing_leaks(CANARIES["word"])


@pytest.mark.parametrize("kind", ["integer", "double", "boolean", "date"])
def test_a_secret_of_an_environment_of_the_wrong_type(scene: Scene, kind: str) -> None:
    given = {"name": "x", "type": kind, "value": CANARIES["jwt"].written, "secret": True}
    answer = scene.client.post("/api/v1/environments", {"name": "e", "variables": [given]}, format="json")
    scene.said.append(answer.content)
    scene.nothing_leaks(CANARIES["jwt"])


@pytest.mark.parametrize("kind", ["integer", "double", "boolean", "date"])
def test_a_secret_default_of_the_wrong_type(scene: Scene, kind: str) -> None:
    """A default that a reference makes, so that it is found to be wrong only where the run starts."""
    scene.environment("e", secret=CANARIES["jwt"].written)
    variables = [{"name": "x", "type": kind, "secret": True, "defaultValue": "${secret}"}]
    flow = scene.client.post(
        "/api/v1/flows",
        {"name": "f", "variables": variables, "steps": [http("a", f"{scene.echo.url}/mirror")]},
        format="json",
    )
    scene.said.append(flow.content)
    if flow.status_code == 201:
        asked = {"flowId": flow.json()["id"], "environmentId": _environment_id(scene)}
        scene.said.append(scene.client.post("/api/v1/flows/run", asked, format="json").content)
    scene.nothing_leaks(CANARIES["jwt"])


def _environment_id(scene: Scene) -> str:
    identity: str = scene.client.get("/api/v1/environments").json()["results"][0]["id"]
    return identity
