"""Each secret, in each spelling, at each place of an HTTP answer: in results, errors, messages, and what they become.

The tested system says all secrets at once; one run has a step a place and spelling.
"""

from __future__ import annotations

from typing import Any

import pytest

from executions.models import Execution
from tests.security.echo import PLACES
from tests.security.scene import Scene, declared, http, post, whole_run
from tests.security.secrets import CANARIES, Canary
from tests.security.spellings import SPELLINGS

ALL = list(CANARIES.values())
#: Of the others a line of a head would be longer than any client reads.
SHORT = [each for each in ALL if each.name not in ("long", "pem", "lines")]
IN_HEADS = [
    "cookie", "reason", "failure", "redirect", "nowhere", "garbage", "status", "version", "length", "field",
    "field_name", "coding", "packed", "header",
]  # fmt: skip


def test_every_place_is_tried() -> None:
    tried = {"body", "text", "bytes", *IN_HEADS}
    answers_of_others = {"token", "refusal", "json_refusal", "page", "denial"}  # tests/security/test_cuts.py
    assert tried | answers_of_others == set(PLACES)


#: What is no text comes back in base64, so a spelling in it is one inside another: only those that systems mix.
INSIDE_BYTES = ("as_is", "json_escaped", "json_ascii", "url", "url_form")


@pytest.mark.parametrize("place", ["body", "text", "bytes"])
def test_in_bodies(scene: Scene, place: str) -> None:
    run = scene.run(
        [
            http(spelling, f"{scene.echo.url}/{place}/{spelling}/all", assertions=wrong(place))
            for spelling in (INSIDE_BYTES if place == "bytes" else SPELLINGS)
        ],
        declared=declared(*ALL),
    )
    assert {step.status for step in run.steps.all()} == {"FAILED"}, whole_run(run)
    scene.nothing_leaks(*ALL)


def wrong(place: str) -> list[dict[str, Any]]:
    said = {"body": "body.said", "text": "body", "bytes": "body"}
    return [{"field": said[place], "operator": "equals", "expectedValue": "another"}]


def in_heads(scene: Scene, place: str, spellings: list[str], canaries: list[Canary]) -> Execution:
    """Run one step a secret and spelling."""
    steps = [
        http(f"{spelling}_{each}", f"{scene.echo.url}/{place}/{spelling}/{each}")
        for spelling in spellings
        for each in canaries
    ]
    return scene.run(steps, declared=declared(*ALL))


@pytest.mark.parametrize("place", IN_HEADS)
def test_in_heads(scene: Scene, place: str) -> None:
    run = in_heads(scene, place, ["as_is"], SHORT)
    assert run.completed_at is not None
    scene.nothing_leaks(*ALL)


@pytest.mark.soak
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("place", IN_HEADS)
def test_each_spelling_in_heads(scene: Scene, place: str, spelling: str) -> None:
    in_heads(scene, place, [spelling], SHORT)
    scene.nothing_leaks(*ALL)


@pytest.mark.parametrize("place", ["header", "reason", "garbage", "failure"])
def test_some_spellings_in_heads(scene: Scene, place: str) -> None:
    spellings = [
        "json_ascii",
        "url",
        "url_form",
        "base64_inside_at_1",
        "hex_with_colons",
        "python_bytes",
    ]
    umlauts = [CANARIES[name] for name in ("umlauts", "cyrillic", "quotes", "emoji")]
    in_heads(scene, place, spellings, umlauts)
    scene.nothing_leaks(*ALL)


def test_sent_in_each_part_of_a_request(scene: Scene) -> None:
    base = f"{scene.echo.url}/mirror"
    steps = [step for each in SHORT for step in sending(base, each.name)]
    run = scene.run(steps, declared=declared(*ALL))
    statuses = [step.status for step in run.steps.all()]
    assert statuses.count("SUCCESS") > len(statuses) * 2 / 3, whole_run(run)
    scene.nothing_leaks(*ALL)


def sending(base: str, name: str) -> list[dict[str, Any]]:
    """Return steps that send the secret, and have it repeated."""
    value, login = f"${{{name}}}", {"type": "basic", "username": f"${{{name}}}", "password": "a password"}
    metas: dict[str, dict[str, Any]] = {
        "path": {"url": f"{base}/{value}/x"},
        "query": {"query": {"a": value, "b": f"x{value}y"}},
        "query_key": {"query": {value: 1}},
        "header": {"headers": {"X-A": f"urlEncoded ${{urlEncode({name})}}", "X-B": f"${{base64({name})}}"}},
        "raw_header": {"headers": {"X-A": f"is {value}"}},
        "custom": {"headers": {"Authorization": f"Custom {value}", "Cookie": f"a={value}"}},
        "user": {"auth": login},
        "bearer": {"auth": {"type": "bearer", "token": value}},
        "json": {"method": "POST", "body": {"a": value, "b": [f"x{value}y", {"c": value}]}},
        "text": {"method": "POST", "body": f"x{value}y"},
        "twice": {"method": "POST", "body": f"${{json({name})}} {value}{value} ${{base64({name})}}"},
        "form": {"method": "POST", "form": {"a": value}},
        "multipart": {"method": "POST", "multipart": {"a": value}},
        "upper": {"method": "POST", "body": f"${{lower({name})}}"},
    }
    return [http(f"{name}_{part}", meta.pop("url", base), meta) for part, meta in metas.items()]


def test_handed_on_by_results(scene: Scene) -> None:
    """What was masked in a result is whole for references, and masked where these put it."""
    spellings = ("as_is", "json_every_character", "base64_lines_of_76_unix", "hex_with_colons", "as_latin1")
    steps = []
    for spelling in spellings:
        said = http(
            f"{spelling}_said", f"{scene.echo.url}/body/{spelling}/all", extract={spelling: "body.said"}
        )
        steps += [
            said,
            post(f"{spelling}_again", f"{scene.echo.url}/mirror", {"all": f"${{{spelling}_said.body}}"}),
            post(
                f"{spelling}_text",
                f"{scene.echo.url}/mirror",
                f"${{{spelling}}} ${{{spelling}_said.body.said}}",
            ),
            post(f"{spelling}_keys", f"{scene.echo.url}/mirror", f"${{{spelling}_said.body.keys}}"),
        ]
    run = scene.run(steps, declared=declared(*ALL))
    assert {step.status for step in run.steps.all()} == {"SUCCESS"}, whole_run(run)
    assert CANARIES["word"].written.encode() in scene.echo.heard
    scene.nothing_leaks(*ALL)


def test_at_any_door(scene: Scene) -> None:
    """Everything that can tell of a run, once: what is stored is masked, so that the doors have nothing to hide."""
    steps = [
        post("a", f"{scene.echo.url}/mirror", {each.name: f"${{{each.name}}}" for each in ALL}),
        http("b", f"{scene.echo.url}/body/as_is/all", assertions=wrong("body")),
        http("c", f"{scene.echo.url}/failure/as_is/umlauts"),
        http("d", f"{scene.echo.url}/garbage/as_is/umlauts"),
        http("e", f"{scene.echo.url}/mirror?t=${{item}}", forEach="${list}"),
        http("f", "http://127.0.0.1:1/${quotes}", retry={"maxRetries": 1, "initialDelayMs": 1}),
    ]
    run = scene.run(steps, declared=declared(*ALL))
    scene.again(run, from_step="c")
    scene.nothing_leaks_at_any_door(*ALL)
