"""What is cut is masked before: no cut goes through a secret, and leaves its first half."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.masking.credentials import MASK
from steprunners.masking.display import MAX_KEPT, MAX_SHOWN
from tests.executions.driving import step_of
from tests.security.scene import Scene, declared, http, post, whole_run
from tests.security.secrets import CANARIES, Canary
from tests.security.spellings import SPELLINGS

#: Long ones: half of them is enough to be seen.
NAMES = ("jwt", "quotes", "cyrillic", "base64", "markup")
#: In these, what stands at the beginning of a message moves the cut by a few characters: it stays within the secret.
SHIFTS = (-20, 0, 20)


def known() -> list[Canary]:
    return [CANARIES[name] for name in NAMES]


def compared(
    name: str, url: str, secret: str, operator: str = "equals", expected: Any = "x"
) -> dict[str, Any]:
    asserted = [
        {"field": f"body.said.{secret}", "operator": operator, "expectedValue": expected},
        {"field": "body.said", "operator": operator, "expectedValue": expected},
        {"field": "bodyText", "operator": operator, "expectedValue": expected},
    ]
    return http(name, url, assertions=asserted)


def test_actual_values(scene: Scene) -> None:
    steps = [
        compared(
            f"s_{limit}_{shift + 20}_{name}", f"{scene.echo.url}/body@{limit + shift}/as_is/{name}", name
        )
        for name in NAMES
        for shift in SHIFTS
        for limit in (MAX_SHOWN, MAX_KEPT)
    ]
    cut_at_each_end(scene, steps)


@pytest.mark.parametrize("limit", [MAX_SHOWN, MAX_KEPT])
def test_actual_values_in_each_spelling(scene: Scene, limit: int) -> None:
    steps = [
        compared(f"{spelling}_{name}", f"{scene.echo.url}/body@{limit}/{spelling}/{name}", name)
        for spelling in SPELLINGS
        for name in ("jwt", "cyrillic")
    ]
    cut_at_each_end(scene, steps)


def cut_at_each_end(scene: Scene, steps: list[dict[str, Any]]) -> None:
    run = scene.run(steps, declared=declared(*known()))
    outcomes = [each for step in run.steps.all() for each in step.assertions]
    assert sum(MASK in str(each) for each in outcomes) > len(steps), "too little was masked"
    scene.nothing_leaks(*known())


@pytest.mark.parametrize("limit", [MAX_SHOWN, MAX_KEPT])
def test_expected_values(scene: Scene, limit: int) -> None:
    padded = {name: "." * (limit - len(CANARIES[name].written) // 2) for name in NAMES}
    steps = [
        http(f"{operator}_{name}", f"{scene.echo.url}/mirror", assertions=[
            {"field": "body.said.body", "operator": operator, "expectedValue": f"{padded[name]}${{{name}}}{before}"},
            {"field": "body.said.body", "operator": operator, "expectedValue": {"a": f"{padded[name]}${{{name}}}"}},
        ])
        for name in NAMES
        for operator, before in {"equals": "", "contains": "x", "matches": "(", "in": "", "gt": "", "between": "",
                                 "isType": "", "hasLength": "", "matchesSchema": "", "matchesShape": ""}.items()
    ]  # fmt: skip
    scene.run(steps, declared=declared(*known()))
    scene.nothing_leaks(*known())


OPERATORS: dict[str, Any] = {
    "notContains": ".", "contains": "x", "startsWith": "x", "matches": "x", "gt": 5, "between": [1, 2], "in": ["a"],
    "isType": "integer", "hasLength": 1, "matchesSchema": {"type": "integer"}, "matchesShape": {"a": 1},
}  # fmt: skip


def test_operators(scene: Scene) -> None:
    steps = [
        compared(f"{operator}_{name}", f"{scene.echo.url}/body@{MAX_SHOWN + shift}/{spelling}/{name}", name, operator,
                 expected)
        for operator, expected in OPERATORS.items()
        for name, shift, spelling in zip(
            NAMES, (0, -20, 20, 0, -10), ("as_is", "as_is", "as_is", "json_escaped", "url"), strict=True)
    ]  # fmt: skip
    cut_at_each_end(scene, steps)


def test_differences_of_structures(scene: Scene) -> None:
    steps = [
        post(f"s_{name}", f"{scene.echo.url}/body@{MAX_SHOWN + shift}/as_is/{name}", None, assertions=[
            {"field": "body", "operator": "equals", "expectedValue": {"keys": {f"${{{name}}}": 1}}},
            {"field": "body", "operator": "matchesShape", "expectedValue": {"said": {name: {"a": 1}}}},
        ])
        for name, shift in zip(NAMES, (0, 10, 20, -10, -20), strict=True)
    ]  # fmt: skip
    scene.run(steps, declared=declared(*known()))
    scene.nothing_leaks(*known())


@pytest.mark.parametrize(
    "spelling", ["as_is", "json_ascii", "base64_inside_at_1", "hex_in_small_letters", "url"]
)
def test_a_result_that_is_cut(scene: Scene, spelling: str) -> None:
    limit = 1024 * 1024
    steps = [
        step
        for name in ("jwt", "cyrillic")
        for step in (
            http(f"s_{name}", f"{scene.echo.url}/text@{limit - 200}/{spelling}/{name}"),
            http(f"t_{name}", f"{scene.echo.url}/body@{limit // 3}/{spelling}/{name}"),
        )
    ]
    run = scene.run(steps, declared=declared(*known()))
    assert step_of(run, "s_jwt").cut_paths
    scene.nothing_leaks(*known())


PRODUCTS: dict[str, dict[str, Any]] = {
    "loki": {"query": '{app="a"}'},
    "prometheus": {"query": "up", "duration1": {"relativeTime": "5m"}},
}


@pytest.mark.parametrize("kind", PRODUCTS)
@pytest.mark.parametrize("spelling", ["as_is", "json_ascii", "url", "html_named", "base64_inside_at_1"])
def test_what_monitoring_answers(scene: Scene, kind: str, spelling: str) -> None:
    steps = []
    for name in NAMES:
        for place in ("refusal", "json_refusal", "page", "garbage", "reason"):
            for shift in SHIFTS if spelling == "as_is" else SHIFTS[1:2]:
                resource = f"{kind}_{name}_{place}_{shift + 20}"
                url = f"{scene.echo.url}/{place}@{500 + shift}/{spelling}/{name}"
                scene.resource(resource, kind, url=url)
                meta = {"resourceId": resource, **PRODUCTS[kind]}
                steps.append({"name": resource, "stepType": kind, "meta": meta, "continueOnFailure": True})
    run = scene.run(steps, declared=declared(*known()))
    assert {step.status for step in run.steps.all()} == {"ERROR"}, whole_run(run)
    scene.nothing_leaks(*known())


@pytest.mark.parametrize("spelling", ["as_is", "json_ascii", "url", "url_form", "base64_inside_at_1"])
def test_what_an_identity_provider_answers(scene: Scene, spelling: str) -> None:
    def auth(name: str, place: str, shift: int) -> dict[str, Any]:
        url = f"{scene.echo.url}/{place}@{200 + shift}/{spelling}/{name}"
        client = {"clientId": "me", "clientSecret": f"${{{name}}}"}
        return {"auth": {"type": "oauth2ClientCredentials", "tokenUrl": url, **client}}

    steps = [
        http(f"{place}_{name}_{shift + 20}", f"{scene.echo.url}/mirror", auth(name, place, shift))
        for name in NAMES
        for place in ("denial", "refusal", "reason", "garbage")
        for shift in (SHIFTS if spelling == "as_is" else SHIFTS[1:2])
    ]
    run = scene.run(steps, declared=declared(*known()))
    assert {step.status for step in run.steps.all()} == {"ERROR"}
    scene.nothing_leaks(*known())


CHECKED = {
    "http": {"baseUrl": "{url}", "headers": {"X-Api-Key": "{secret}"}},
    "loki": {"url": "{url}", "authToken": "{secret}"},
    "prometheus": {"url": "{url}", "username": "me", "password": "{secret}"},
}


@pytest.mark.parametrize("kind", CHECKED)
@pytest.mark.parametrize(
    "place", ["refusal", "json_refusal", "page", "reason", "garbage", "failure", "nowhere"]
)
def test_what_a_check_of_a_resource_says(scene: Scene, kind: str, place: str) -> None:
    limits = (120, 200, 500)
    for name in ("jwt", "base64"):
        for at in limits:
            url = f"{scene.echo.url}/{place}@{at}/as_is/{name}"
            config = _filled(CHECKED[kind], {"{url}": url, "{secret}": CANARIES[name].written})
            resource = scene.resource(f"{kind} {name} {at}", kind, **config)
            answer = scene.client.post(f"/api/v1/resources/{resource.pk}/check")
            assert answer.status_code == 200
            assert set(answer.json()) >= {"ok", "message"}
            scene.said.append(answer.content)
    scene.nothing_leaks(CANARIES["jwt"], CANARIES["base64"])


def _filled(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, words) for key, each in value.items()}
    return words.get(value, value)
