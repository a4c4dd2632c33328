"""Every step is masked by all secrets of its run: those that another step used, got or sent, too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.executions.driving import choice, statuses, step_of
from tests.security.scene import Scene, declared, http, post, whole_run
from tests.security.secrets import CANARIES, Canary, word

WORD = CANARIES["word"]
#: Something that is no secret, beside which each secret stands: it shows that the run did what it is for.
PLAIN = "plain beside it"


@pytest.fixture
def told(scene: Scene) -> Canary:
    """A secret that only one resource holds, and that the tested system repeats."""
    canary = Canary("told", word(24))
    scene.echo.canaries["told"] = canary
    return canary


def saying(scene: Scene, place: str = "body", spelling: str = "as_is", name: str = "told") -> str:
    return f"{scene.echo.url}/{place}/{spelling}/{name}"


def ok(scene: Scene, steps: list[dict[str, Any]], **options: Any) -> None:
    """Run the steps, all of which have to end well."""
    run = scene.run(steps, **options)
    assert set(statuses(run).values()) == {"SUCCESS"}, whole_run(run)


CONFIGS: dict[str, dict[str, Any]] = {
    "header": {"headers": {"X-Api-Key": "{secret}"}},
    "bearer": {"auth": {"type": "bearer", "token": "{secret}"}},
    "basic": {"auth": {"type": "basic", "username": "me", "password": "{secret}"}},
    "authorization": {"headers": {"Authorization": "Custom {secret}"}},
}


@pytest.fixture(params=CONFIGS)
def keyed(request: pytest.FixtureRequest, scene: Scene, told: Canary) -> str:
    """The name of an HTTP resource with the secret in it."""
    config = _filled(CONFIGS[request.param], told.written)
    scene.resource("keyed", "http", baseUrl=scene.echo.url, **config)
    return "keyed"


def _filled(value: Any, secret: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, secret) for key, each in value.items()}
    return value.format(secret=secret)


def test_what_a_resource_holds_is_masked_in_a_step_without_it(scene: Scene, keyed: str, told: Canary) -> None:
    steps = [
        http("a", "/mirror", {"resourceId": keyed}),
        http("b", saying(scene)),
        post("c", f"{scene.echo.url}/mirror", {"all": "${a.body}", "note": PLAIN}),
        http("d", f"{scene.echo.url}/mirror?t=${{b.body.said.told}}", {"headers": {"X-T": "${b.body.said.told}"}}),
        post("e", f"{scene.echo.url}/mirror", "${base64(b.body.said.told)} ${json(a.body)}"),
        http("f", saying(scene, "header")),
        http("g", f"{scene.echo.url}/mirror", extract={"kept": "body.url"}),
        post("h", f"{scene.echo.url}/mirror", "${a.body.said.headers}", extract={"kept": "body.said"},
             assertions=[{"field": "body.said.body", "operator": "equals", "expectedValue": "${b.body}"}]),
        http("z", saying(scene, "text"), alwaysRun=True),
    ]  # fmt: skip
    run = scene.run(steps)
    assert step_of(run, "c").status == "SUCCESS", whole_run(run)
    assert told.written.encode() in scene.echo.heard
    assert PLAIN in whole_run(run)
    scene.nothing_leaks(told)


@pytest.mark.parametrize("place", ["cookie", "header"])
def test_a_cookie_is_masked_where_a_reference_puts_it(scene: Scene, place: str) -> None:
    scene.echo.canaries["sid"] = sid = Canary("sid", word(20))
    reference = {"cookie": "a.cookies.sid", "header": "a.headers['set-cookie']"}[place]
    steps = [
        http("a", saying(scene, "cookie", name="sid")),
        http("b", f"{scene.echo.url}/mirror?sid=${{{reference}}}"),
        post(
            "c", f"{scene.echo.url}/mirror", {"sid": f"${{{reference}}}", "all": "${a.headers} ${a.cookies}"}
        ),
        http("d", saying(scene, name="sid")),
    ]
    ok(scene, steps)
    assert sid.written.encode() in scene.echo.heard
    scene.nothing_leaks(sid)


@pytest.mark.parametrize("value", ["s1", "a", "12345"])
def test_a_short_cookie_is_masked_where_a_reference_puts_it(scene: Scene, value: str) -> None:
    scene.echo.canaries["sid"] = Canary("sid", value)
    steps = [
        http("a", saying(scene, "cookie", name="sid")),
        http("b", f"{scene.echo.url}/mirror?sid=${{a.cookies.sid}}&end=1"),
        http("c", f"{scene.echo.url}/mirror", {"headers": {"X-Sid": "is ${a.cookies.sid} here"}}),
        post("d", f"{scene.echo.url}/mirror", {"sid": "${a.cookies.sid}", "in": "so ${a.cookies.sid} is it"}),
    ]
    run = scene.run(steps)
    assert f"?sid={value}&end" in scene.echo.heard.decode()
    asked = {name: str(step_of(run, name).request) for name in "bcd"}
    assert f"sid={value}&" not in asked["b"]
    assert f"is {value} here" not in asked["c"]
    assert f"so {value} is" not in asked["d"]
    assert f"'sid': '{value}'" not in asked["d"]


def test_a_short_secret_is_masked_where_it_was_put_in(scene: Scene) -> None:
    short = [{"name": "pin", "type": "string", "secret": True, "defaultValue": "q7z"}]
    steps = [
        http("a", f"{scene.echo.url}/mirror?pin=${{pin}}&end=1", {"headers": {"X-Pin": "is ${pin} here"}}),
        post("b", f"{scene.echo.url}/mirror", {"pin": "${pin}", "in": "so ${pin} is it", "q7z": 1}),
        http("c", "http://127.0.0.1:1/?pin=${pin}&end=1"),
    ]
    run = scene.run(steps, declared=short)
    assert "?pin=q7z&end" in scene.echo.heard.decode()
    asked = {name: str(step_of(run, name).request) + str(step_of(run, name).error) for name in "abc"}
    for text in ("pin=q7z", "is q7z here", "so q7z is", "'pin': 'q7z'"):
        assert text not in str(asked), text


def test_a_secret_extract_is_masked_in_every_later_step(scene: Scene) -> None:
    scene.echo.canaries["token"] = token = Canary("token", word(20))
    steps = [
        http("a", saying(scene, name="token"), extract={"tok": {"path": "body.said.token", "secret": True}}),
        http("b", saying(scene, "text", "base64_inside_at_1", "token")),
        http("c", f"{scene.echo.url}/mirror?t=${{tok}}"),
        choice("d", [http("e", f"{scene.echo.url}/mirror?t=${{tok}}")]),
        http("f", f"{scene.echo.url}/mirror?t=${{item}}", forEach=["${tok}", "x${tok}"]),
        http("g", "http://127.0.0.1:1/${tok}"),
        post("h", f"{scene.echo.url}/mirror", "${a}"),
    ]
    run = scene.run(steps)
    assert step_of(run, "e").status == "SUCCESS"
    scene.nothing_leaks(token)


def test_a_background_step_gets_a_secret_while_others_run(scene: Scene) -> None:
    scene.echo.canaries["token"] = token = Canary("token", word(20))
    secret = {"tok": {"path": "body.said.token", "secret": True}}
    steps = [
        http("a", saying(scene, name="token"), runInBackground=True, extract=secret),
        http("b", f"{scene.echo.url}/mirror?t=${{tok}}", runInBackground=True),
        http("c", f"{scene.echo.url}/mirror?t=${{tok}}"),
        http("d", saying(scene, name="token")),
        http("z", saying(scene, name="token"), alwaysRun=True),
    ]
    run = scene.run(steps)
    assert set(statuses(run).values()) == {"SUCCESS"}
    scene.nothing_leaks(token)


def test_an_access_token_is_a_secret_of_the_whole_run(scene: Scene) -> None:
    scene.echo.canaries["access_token"] = token = Canary("access_token", word(30))
    auth = {
        "type": "oauth2ClientCredentials", "clientId": "me", "clientSecret": "${word}",
        "tokenUrl": saying(scene, "token", name="access_token"),
    }  # fmt: skip
    steps = [
        http("a", f"{scene.echo.url}/mirror", {"auth": auth}),
        http("b", saying(scene, name="access_token")),
        post("c", f"{scene.echo.url}/mirror", {"all": "${a.body}"}),
    ]
    ok(scene, steps, declared=declared(WORD))
    assert b"Bearer " + token.written.encode() in scene.echo.heard
    scene.nothing_leaks(WORD, token)


def test_secrets_in_the_keys_of_objects(scene: Scene) -> None:
    steps = [
        post("a", f"{scene.echo.url}/mirror", "${json(word)}"),
        post("b", f"{scene.echo.url}/body/as_is/word", {"x": 1}),
        post("c", f"{scene.echo.url}/mirror", "${b.body.keys}"),
        post("d", f"{scene.echo.url}/mirror", {"keys": "${b.body.keys}"},
             assertions=[{"field": "body.said.body", "operator": "matchesShape", "expectedValue": "${b.body.keys}"}]),
    ]  # fmt: skip
    scene.run(steps, declared=declared(WORD))
    assert WORD.written.encode() in scene.echo.heard
    scene.nothing_leaks(WORD)


def test_a_secret_inside_another_one(scene: Scene) -> None:
    inner, outer = CANARIES["inner"], CANARIES["outer"]
    steps = [
        post("a", f"{scene.echo.url}/mirror", "${inner} ${outer} ${outer}${inner}"),
        http("b", f"{scene.echo.url}/body/as_is/all"),
    ]
    ok(scene, steps, declared=declared(inner, outer))
    scene.nothing_leaks(inner, outer)
    ok(scene, [http("b", f"{scene.echo.url}/mirror?${{outer}}")], declared=declared(outer))
    scene.nothing_leaks(outer)
