"""A re-run takes over results, so what was secret in them stays secret, whatever was dropped or deleted meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from executions.models import Execution
from flows.models import Flow
from flows.services import delete_flow, save_version
from resources.models import Environment, Resource
from resources.services import delete_environment, delete_resource, save_environment, save_resource
from tests.executions.driving import step_of
from tests.security.scene import Scene, declared, http, post, whole_run
from tests.security.secrets import CANARIES, Canary, word

NO_SECRET = {"name": "run", "type": "string", "defaultValue": "no secret any more"}
KINDS = ("run", "environment", "resource", "extract", "access_token", "sid")


@pytest.fixture
def secrets(scene: Scene) -> dict[str, Canary]:
    """A secret of each kind; the tested system repeats them all."""
    made = {name: Canary(name, word(24)) for name in KINDS}
    scene.echo.canaries.update(made)
    return made


def steps_of(scene: Scene, *, last: str = "z") -> list[dict[str, Any]]:
    """Return steps that get every kind of secret, then repeat all, and use the results of those before."""
    base = scene.echo.url
    auth = {
        "type": "oauth2ClientCredentials", "clientId": "me", "clientSecret": "${run}",
        "tokenUrl": f"{base}/token/as_is/access_token",
    }  # fmt: skip
    kept = {"kept": {"path": "body.said.extract", "secret": True}}
    return [
        http("a", "/mirror", {"resourceId": "keyed", "headers": {"X-R": "${run}", "X-E": "${environment}"}}),
        http("b", f"{base}/body/as_is/extract", extract=kept),
        http("c", f"{base}/mirror", {"auth": auth}),
        http("d", f"{base}/cookie/as_is/sid"),
        *_repeating(base, last),
    ]


def _repeating(base: str, last: str) -> list[dict[str, Any]]:
    everything = [f"{base}/body/as_is/{name}" for name in KINDS]
    return [
        http("all", "${item}", forEach=everything),
        post(
            "told", f"{base}/mirror", {"a": "${a.body}", "b": "${b}", "c": "${c.body}", "d": "${d.headers}"}
        ),
        http(last, f"{base}/mirror?s=${{d.cookies.sid}}&t=${{b.body.said.extract}}"),
        post("end", f"{base}/mirror", {"told": "${told.body}", "all": "${all.items}"}),
    ]


@pytest.fixture
def environment(scene: Scene, secrets: dict[str, Canary]) -> Environment:
    scene.resource(
        "keyed", "http", baseUrl=scene.echo.url, headers={"X-Api-Key": secrets["resource"].written}
    )
    return scene.environment("production", environment=secrets["environment"].written)


@pytest.fixture
def flow(scene: Scene, environment: Environment) -> Flow:
    variables = [{"name": "run", "type": "string", "secret": True, "required": True}]
    return scene.flow(steps_of(scene), declared=variables, name="Again")


@pytest.fixture
def before(scene: Scene, flow: Flow, environment: Environment, secrets: dict[str, Canary]) -> Execution:
    """The earlier run."""
    given = [{"name": "run", "value": secrets["run"].written}]
    run = scene.run_flow(flow, environment=environment, variables=given)
    assert step_of(run, "end").status == "SUCCESS", whole_run(run)
    assert all(each.written.encode() in bytes(scene.echo.heard) for each in secrets.values())
    return run


def test_the_run_itself(scene: Scene, before: Execution, secrets: dict[str, Canary]) -> None:
    scene.nothing_leaks(*secrets.values())


@pytest.mark.parametrize("from_step", ["told", "z", "end"])
@pytest.mark.parametrize("version", ["SAME", "LATEST"])
def test_a_re_run(
    scene: Scene, before: Execution, secrets: dict[str, Canary], from_step: str, version: str
) -> None:
    new = scene.again(before, from_step=from_step, version=version)
    assert step_of(new, "end").status == "SUCCESS", whole_run(new)
    scene.nothing_leaks(*secrets.values())


@pytest.mark.parametrize(
    "variables", [[], [{"name": "run", "type": "string", "defaultValue": "no secret any more"}]]
)
def test_latest_after_the_variable_was_dropped(
    scene: Scene, before: Execution, flow: Flow, secrets: dict[str, Canary], variables: list[Any]
) -> None:
    steps = [each for each in steps_of(scene) if each["name"] not in "ac"]
    steps = [http("a", f"{scene.echo.url}/mirror"), http("c", f"{scene.echo.url}/mirror"), *steps]
    saved = Flow.objects.get(pk=flow.pk)
    save_version(flow=saved, user=scene.user, document=scene.document(steps, variables, "Again"))
    again_and_once_more(scene, before, secrets, version="LATEST")


def test_same_after_the_environment_lost_its_secret(
    scene: Scene, before: Execution, environment: Environment, secrets: dict[str, Canary]
) -> None:
    variables = [{"name": "environment", "value": "no secret any more"}]
    save_environment(
        environment=environment, team=scene.team, user=scene.user, name="production", variables=variables
    )
    again_and_once_more(scene, before, secrets)


def test_same_after_the_environment_was_deleted(
    scene: Scene, before: Execution, environment: Environment, secrets: dict[str, Canary]
) -> None:
    delete_environment(environment=environment)
    again_and_once_more(scene, before, secrets)


def test_same_after_the_environment_has_another_secret(
    scene: Scene, before: Execution, environment: Environment, secrets: dict[str, Canary]
) -> None:
    variables = [{"name": "environment", "value": word(24), "secret": True}]
    save_environment(
        environment=environment, team=scene.team, user=scene.user, name="production", variables=variables
    )
    again_and_once_more(scene, before, secrets)


def test_same_after_the_resource_has_another_secret(
    scene: Scene, before: Execution, secrets: dict[str, Canary]
) -> None:
    resource = Resource.objects.get(name="keyed")
    config = {"baseUrl": scene.echo.url, "headers": {"X-Api-Key": word(24)}}
    save_resource(
        resource=resource, team=scene.team, user=scene.user, name="keyed", type="http", config=config
    )
    again_and_once_more(scene, before, secrets)


def test_same_after_everything_was_deleted(
    scene: Scene, before: Execution, flow: Flow, environment: Environment, secrets: dict[str, Canary]
) -> None:
    delete_environment(environment=environment)
    delete_flow(flow=Flow.objects.get(pk=flow.pk))
    delete_resource(resource=Resource.objects.get(name="keyed"))
    again_and_once_more(scene, before, secrets)


def again_and_once_more(
    scene: Scene, before: Execution, secrets: dict[str, Canary], version: str = "SAME"
) -> None:
    """Run again from where the results of others are used, and that run again; nothing may be seen."""
    first = scene.again(before, from_step="told", version=version)
    assert step_of(first, "told").status == "SUCCESS", whole_run(first)
    second = scene.again(first, from_step="end", version=version)
    assert step_of(second, "end").status == "SUCCESS", whole_run(second)
    scene.nothing_leaks(*secrets.values())


def test_a_draft_with_a_secret_default(scene: Scene) -> None:
    canary = CANARIES["quotes"]
    steps = [
        post("a", f"{scene.echo.url}/mirror", {"x": "${quotes}"}),
        http("b", f"{scene.echo.url}/body/as_is/quotes"),
        post("c", f"{scene.echo.url}/mirror", {"x": "${b.body}"}),
    ]
    run = scene.run(steps, declared=declared(canary))
    new = scene.again(run, from_step="c")
    assert step_of(new, "c").status == "SUCCESS"
    scene.nothing_leaks(canary)


def test_a_result_of_a_child_is_taken_over(scene: Scene, secrets: dict[str, Canary]) -> None:
    kept = {"kept": {"path": "body.said.extract", "secret": True}}
    child = scene.flow([http("in", f"{scene.echo.url}/body/as_is/extract", extract=kept)])
    steps = [
        {"name": "sub", "stepType": "flow", "meta": {"flowId": str(child.pk)}},
        http("b", f"{scene.echo.url}/mirror?t=${{sub.variables.kept}}"),
        http("c", f"{scene.echo.url}/body/as_is/extract"),
    ]
    run = scene.run(steps)
    Execution.objects.filter(parent=run).delete()
    new = scene.again(run, from_step="b")
    assert step_of(new, "c").status == "SUCCESS"
    scene.nothing_leaks(secrets["extract"])
