"""What is secret in a child is secret in its parent, on every way that leads from one to the other, and back."""

from __future__ import annotations

from typing import Any

import pytest

from executions.models import Execution
from flows.models import Flow
from tests.executions.driving import step_of
from tests.security.scene import Scene, declared, http, post, whole_run
from tests.security.secrets import CANARIES, Canary, word

SECRET = {"tok": {"path": "body.said.token", "secret": True}}


@pytest.fixture
def token(scene: Scene) -> Canary:
    """What only the child gets, and extracts as a secret."""
    scene.echo.canaries["token"] = canary = Canary("token", word(24))
    return canary


def child_steps(scene: Scene, **envelope: Any) -> list[dict[str, Any]]:
    used = http("used", f"{scene.echo.url}/mirror?t=${{tok}}", **envelope)
    return [http("login", f"{scene.echo.url}/body/as_is/token", extract=SECRET), used]


@pytest.fixture
def child(scene: Scene, token: Canary) -> Flow:
    return scene.flow(child_steps(scene), name="Login")


@pytest.fixture
def grandparent(scene: Scene, child: Flow) -> Flow:
    """A flow that calls the child, and hands on what it got, without saying that it is secret."""
    return scene.flow([call(child, extract={"tok": "variables.tok"})], name="Around")


def call(flow: Flow, name: str = "sub", **envelope: Any) -> dict[str, Any]:
    meta = {"flowId": str(flow.pk), **envelope.pop("meta", {})}
    return {"name": name, "stepType": "flow", "meta": meta, "continueOnFailure": True, **envelope}


WRONG = {"field": "variables.tok", "operator": "equals", "expectedValue": "another"}
ALSO = {"field": "variables", "operator": "equals", "expectedValue": {"tok": "another"}}


def uses(base: str, value: str = "sub.variables.tok") -> list[dict[str, Any]]:
    """Return steps that put the value wherever one can be put."""
    return [
        http("url", f"{base}/mirror?t=${{{value}}}"),
        http("header", f"{base}/mirror", {"headers": {"X-T": f"${{{value}}}"}}),
        post("body", f"{base}/mirror", {"t": f"${{{value}}}", "e": f"${{base64({value})}}"}),
        post("whole", f"{base}/mirror", "${sub.variables} ${sub}"),
        http("each", f"{base}/mirror?t=${{item}}", forEach=[f"${{{value}}}", "b"]),
        http("nowhere", f"http://127.0.0.1:1/${{{value}}}"),
        http("host", f"http://${{{value}}}.invalid/"),
        http("method", f"{base}/mirror", assertions=[
            {"field": "status", "operator": "equals", "expectedValue": f"${{{value}}}"}]),
        http("echoed", f"{base}/body/base64_inside_at_2/token"),
        http("failed", f"{base}/failure/as_is/token"),
        {"name": "if", "stepType": "condition", "continueOnFailure": True, "meta": {"branches": [
            {"condition": {"left": f"${{{value}}}", "operator": "gt", "right": 5}, "steps": []}]}},
        http("z", f"{base}/mirror?t=${{{value}}}", alwaysRun=True),
    ]  # fmt: skip


def told(scene: Scene, run: Execution, token: Canary) -> None:
    """The parent did use it, and nothing of it is seen."""
    assert f"GET /mirror?t={token.written} ".encode() in scene.echo.heard, whole_run(run)
    scene.nothing_leaks(token)


def test_every_use_of_what_a_child_extracted(scene: Scene, child: Flow, token: Canary) -> None:
    run = scene.run([call(child), *uses(scene.echo.url)])
    assert step_of(run, "whole").status == "SUCCESS"
    told(scene, run, token)


def test_extracted_once_more_in_the_parent(scene: Scene, child: Flow, token: Canary) -> None:
    sub = call(child, extract={"mine": "variables.tok", "all": "variables"}, assertions=[WRONG, ALSO])
    run = scene.run([sub, *uses(scene.echo.url, "mine"), post("again", f"{scene.echo.url}/mirror", "${all}")])
    assert step_of(run, "again").status == "SUCCESS", whole_run(run)
    told(scene, run, token)


def test_from_a_grandchild(scene: Scene, grandparent: Flow, token: Canary) -> None:
    told(scene, scene.run([call(grandparent), *uses(scene.echo.url)]), token)


def test_a_grandchild_whose_secret_nobody_handed_on(scene: Scene, child: Flow, token: Canary) -> None:
    around = scene.flow([call(child)], name="Around")
    scene.run([
        call(around), http("a", f"{scene.echo.url}/body/as_is/token"),
        post("b", f"{scene.echo.url}/mirror", "${a.body}"),
    ])  # fmt: skip
    scene.nothing_leaks(token)


def test_one_child_an_item(scene: Scene, child: Flow, token: Canary) -> None:
    sub = call(child, forEach=[1, 2])
    run = scene.run([
        sub, *uses(scene.echo.url, "sub.items[1].variables.tok"),
        post("all", f"{scene.echo.url}/mirror", "${sub.items}"),
    ])  # fmt: skip
    told(scene, run, token)


def test_a_branch_that_is_a_flow(scene: Scene, child: Flow, token: Canary) -> None:
    holds = {"left": 1, "operator": "equals", "right": 1}
    branch = {"branches": [{"condition": holds, "flowId": str(child.pk)}]}
    steps = [
        {"name": "if", "stepType": "condition", "meta": branch},
        http("a", f"{scene.echo.url}/body/as_is/token"),
        post("b", f"{scene.echo.url}/mirror", {"all": "${a.body}", "if": "${if}"}),
    ]
    run = scene.run(steps)
    assert step_of(run, "b").status == "SUCCESS", whole_run(run)
    scene.nothing_leaks(token)


@pytest.mark.parametrize("failing", [
    {"assertions": [{"field": "body.said.url", "operator": "equals", "expectedValue": "${tok} and more"}]},
    {"meta": {"url": "http://127.0.0.1:1/${tok}"}},
    {"meta": {"url": "http://${tok}.invalid/"}},
    {"meta": {"url": "nonsense ${tok}"}},
    {"extract": {"x": "body.${tok}"}},
])  # fmt: skip
def test_a_child_that_fails(scene: Scene, token: Canary, failing: dict[str, Any]) -> None:
    steps = child_steps(scene)
    steps[1] |= {**failing, "continueOnFailure": False}
    child = scene.flow(steps, name="Fails")
    run = scene.run([
        call(child), http("a", f"{scene.echo.url}/body/as_is/token"),
        post("b", f"{scene.echo.url}/mirror", {"a": "${a.body}", "why": "${steps.sub.error.message}", "all": "${sub}"}),
        http("c", f"{scene.echo.url}/mirror?t=${{sub.variables.tok}}"),
    ])  # fmt: skip
    assert step_of(run, "sub").status == "FAILED"
    told(scene, run, token)


def test_a_child_that_uses_a_resource(scene: Scene, token: Canary) -> None:
    scene.resource("keyed", "http", baseUrl=scene.echo.url, auth={"type": "bearer", "token": token.written})
    child = scene.flow(
        [http("in", "/mirror", {"resourceId": "keyed"}, extract={"seen": "body"})], name="Keyed"
    )
    steps = [
        call(child, extract={"mine": "variables.seen"}),
        post("a", f"{scene.echo.url}/mirror", {"all": "${sub.variables}", "mine": "${mine}"}),
        http("b", f"{scene.echo.url}/body/as_is/token"),
    ]
    run = scene.run(steps)
    assert step_of(run, "a").status == "SUCCESS", whole_run(run)
    assert token.written.encode() in scene.echo.heard
    scene.nothing_leaks(token)


def test_a_child_with_a_secret_variable_of_its_own(scene: Scene) -> None:
    canary = CANARIES["quotes"]
    seen = post("in", f"{scene.echo.url}/mirror", {"x": "${quotes}"}, extract={"seen": "body.said.body"})
    child = scene.flow([seen], declared=declared(canary))
    run = scene.run([
        call(child), post("a", f"{scene.echo.url}/mirror", "${sub.variables.seen}"),
        http("b", f"{scene.echo.url}/body/json_ascii/quotes"),
    ])  # fmt: skip
    assert step_of(run, "a").status == "SUCCESS", whole_run(run)
    scene.nothing_leaks(canary)


def test_a_child_beside_other_steps(scene: Scene, child: Flow, token: Canary) -> None:
    steps = [
        call(child, runInBackground=True),
        http("a", f"{scene.echo.url}/mirror?t=${{sub.variables.tok}}"),
        http("b", f"{scene.echo.url}/body/as_is/token"),
    ]
    told(scene, scene.run(steps), token)


def test_what_the_parent_knows_is_masked_in_the_child(scene: Scene, token: Canary) -> None:
    told_ = [
        http("in", f"{scene.echo.url}/body/as_is/token"),
        post("and", f"{scene.echo.url}/mirror", "${note}"),
    ]
    child = scene.flow(told_, declared=[{"name": "note", "type": "string"}], name="Told")
    steps = [*child_steps(scene), call(child, meta={"variables": {"note": "it is ${tok}"}})]
    run = scene.run(steps)
    assert step_of(run, "sub").status == "SUCCESS", whole_run(run)
    told(scene, run, token)


def test_a_child_whose_brother_got_the_secret(scene: Scene, child: Flow, token: Canary) -> None:
    other = scene.flow([http("in", f"{scene.echo.url}/body/as_is/token")], name="Brother")
    run = scene.run(
        [call(child), call(other, "second"), http("c", f"{scene.echo.url}/mirror?t=${{sub.variables.tok}}")]
    )
    told(scene, run, token)
