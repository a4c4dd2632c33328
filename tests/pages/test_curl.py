"""The curl command of a step of a run: who may see it, and that nothing of a resource's secrets is in it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Team, User
from executions.models import Execution, ExecutionStep, SessionState
from executions.pages.curl import MOST_ITEMS
from resources.models import Resource
from steprunners.masking.credentials import MASK
from steprunners.network.cookies import CookieJar, target_of
from tests.cast import PageFor
from tests.executions.rows import START, make_attempt, make_execution, make_step

URL = "http://shop.example/v1"


@pytest.fixture
def run(team: Team, alice: User) -> Execution:
    return make_execution(team, user=alice)


@pytest.fixture
def shop(team: Team) -> Resource:
    secrets = {
        "auth": {"type": "basic", "username": "u5er", "password": "pa55word"},
        "headers.X-Api-Key": "k3y",
    }
    config = {"baseUrl": URL, "headers": {"X-Plain": "p"}, "verifyTls": False}
    return Resource.objects.create(team=team, name="shop", type="http", config=config, secrets=secrets)


def ask(page: PageFor, user: User, step: ExecutionStep) -> Any:
    return page(user).get(f"/executions/{step.execution_id}/steps/{step.id}/curl")


def command(page: PageFor, user: User, step: ExecutionStep) -> str:
    text: str = ask(page, user, step).json()["command"]
    return text


def test_the_resource_gives_host_and_headers_but_no_secret(
    page: PageFor, vera: User, run: Execution, shop: Resource
) -> None:
    text = command(page, vera, make_step(run, request={"url": "/a", "resourceId": "shop"}))
    assert text.startswith(f"curl '{URL}/a'")
    for part in ("-H 'X-Plain: p'", f"-H 'X-Api-Key: {MASK}'", f"--user '{MASK}:{MASK}'", "--insecure"):
        assert part in text
    for secret in ("u5er", "pa55word", "k3y"):
        assert secret not in text


def test_an_outsider_and_a_step_of_another_run_are_404(
    page: PageFor, charlie: User, alice: User, run: Execution, team: Team
) -> None:
    step = make_step(run, request={"url": URL})
    assert ask(page, charlie, step).status_code == 404
    other = make_execution(team)
    assert page(alice).get(f"/executions/{other.id}/steps/{step.id}/curl").status_code == 404


@pytest.mark.parametrize(
    "fields", [{"step_type": "sql", "request": {"url": URL}}, {"request": None}, {"request": {"url": MASK}}]
)
def test_without_a_request_there_is_no_command(
    page: PageFor, alice: User, run: Execution, fields: dict[str, Any]
) -> None:
    answer = ask(page, alice, make_step(run, **fields))
    assert answer.status_code == 422
    assert "There is no command" in answer.json()["errors"][0]["detail"]


def test_a_redirect_that_changes_the_method_is_written_out(
    page: PageFor, alice: User, run: Execution
) -> None:
    response = {"redirects": [{"status": 302, "url": f"{URL}/a"}], "url": f"{URL}/b"}
    step = make_step(run, request={"url": f"{URL}/a", "method": "POST", "body": 1}, response=response)
    first, second = command(page, alice, step).split("--next")
    assert "--data-raw '1'" in first
    assert f"'{URL}/b'" in second
    assert "--data" not in second


def test_cookies_are_those_that_the_jar_had_when_the_step_began(
    page: PageFor, alice: User, run: Execution
) -> None:
    def step(position: int, jar: str, url: str, *cookies: str, late: float = 0.001) -> ExecutionStep:
        begun = START + timedelta(seconds=position)
        answer = CookieJar()
        answer.receive(cookies, target_of(url))
        entries = {
            key: {**each, "at": (begun.timestamp() + late) * 1e6} for key, each in answer.changes.items()
        }
        name = hashlib.sha256(f"http:{jar}".encode()).hexdigest()
        SessionState.objects.create(execution=run, key=name, position=position, value=entries)
        return make_step(
            run,
            position,
            request={"url": url, "cookieJar": jar},
            started_at=begun,
            completed_at=begun + timedelta(seconds=2 * late),
        )

    step(0, "j", URL, "sid=x", "gone=x", "short=x; Max-Age=0", "below=x; Path=/v1/a", "tls=x; Secure")
    step(1, "other", URL, "no=x")
    step(2, "j", "http://other.example", "neither=x")
    step(3, "j", URL, "slow=x", late=3)
    step(4, "j", URL, "gone=; Max-Age=0")
    last = step(5, "j", URL, "later=x")
    step(6, "j", URL, "too_late=x", "sid=; Max-Age=0")
    run.steps.update(reused=True)  # a re-run takes over times and jars
    assert f"-H 'Cookie: sid={MASK}'" in command(page, alice, last)


def test_a_loop_has_the_last_attempt_of_each_item(page: PageFor, alice: User, run: Execution) -> None:
    step = make_step(run, request={"url": f"{URL}/b"})
    for number, (item, path) in enumerate([(0, "again"), (0, "a"), (1, "b")], start=1):
        make_attempt(step, number, item=item, request={"url": f"{URL}/{path}"})
    found = [each for each in command(page, alice, step).split("\n") if each.startswith("curl")]
    assert found == [f"curl '{URL}/a' \\", f"curl '{URL}/b' \\"]
    make_attempt(step, 4, item=MOST_ITEMS, request={"url": f"{URL}/c"})
    assert command(page, alice, step).endswith(f"\n# These are the first {MOST_ITEMS} items.")
