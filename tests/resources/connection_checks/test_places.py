"""How many checks run at once, and that nobody else waits for them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.db import connection
from pytest_django import Settings

from accounts.models import Team, User
from resources.connection_checks.check import check_resource
from resources.connection_checks.places import TooManyChecks, place_of
from resources.models import Resource
from resources.services import save_resource
from steprunners.clients.http.connection import HttpConnection
from steprunners.deadline import Deadline
from steprunners.kinds.http import HttpRunner
from steprunners.network import NetworkPolicy
from tests.cast import ApiFor
from tests.servers.stack import LiveStack
from tests.steprunners.target import Exchange, Target

URL = "/api/v1/resources"
#: What the attack from outside sent at once.
CROWD = 150


@pytest.fixture
def silent() -> Iterator[Target]:
    with Target() as target:
        target.route("/", Exchange.hang)
        yield target


@pytest.fixture
def shop(team: Team, alice: User) -> Resource:
    config = {"baseUrl": "http://127.0.0.1:1"}
    return save_resource(team=team, user=alice, name="shop", type="http", config=config)


def test_an_organisation_has_its_places(team: Team, settings: Settings) -> None:
    settings.MAX_RESOURCE_CHECKS = 2
    third = place_of(team.pk)
    with place_of(team.pk), place_of(team.pk), pytest.raises(TooManyChecks, match="2 checks"), third:
        pass
    with place_of(team.pk), place_of(team.pk):
        pass


def test_another_organisation_has_its_own(team: Team, other_team: Team, settings: Settings) -> None:
    settings.MAX_RESOURCE_CHECKS = 1
    with place_of(team.pk), place_of(other_team.pk):
        pass


def test_all_together_have_no_more_than_the_process_gives(
    team: Team, other_team: Team, settings: Settings
) -> None:
    settings.MAX_CHECK_THREADS = 1
    with (
        place_of(team.pk),
        pytest.raises(TooManyChecks, match="already as many checks"),
        place_of(other_team.pk),
    ):
        pass


def test_a_place_is_free_again_whatever_the_check_came_to(team: Team, settings: Settings) -> None:
    settings.MAX_RESOURCE_CHECKS = 1
    for _ in range(3):
        with pytest.raises(RuntimeError), place_of(team.pk):
            raise RuntimeError


def test_rest_says_when_to_come_back(api: ApiFor, alice: User, shop: Resource, settings: Settings) -> None:
    settings.MAX_RESOURCE_CHECKS = 0
    answer = api(alice).post(f"{URL}/{shop.pk}/check")

    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert [each["code"] for each in answer.json()["errors"]] == ["too_many_checks"]


@pytest.mark.django_db(transaction=True)
def test_the_database_is_given_back_before_connecting(
    shop: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []

    def check(
        _: HttpRunner, _connection: HttpConnection, _network: NetworkPolicy, _deadline: Deadline
    ) -> str:
        held.append(connection.connection is not None)
        return "it answers"

    monkeypatch.setattr(HttpRunner, "check", check)
    fresh = Resource.objects.get(pk=shop.pk)
    assert connection.connection is not None
    assert check_resource(fresh).ok
    assert held == [False]


def test_a_crowd_of_checks_holds_nobody_up(live_stack: LiveStack, silent: Target) -> None:
    """150 checks at once of a server that never answers: some are refused, none fails, and others go on."""
    session = live_stack.session()
    made = session.post(
        "resources", {"name": f"silent-{silent.port}", "type": "http", "config": {"baseUrl": silent.url}}
    )
    ends: Counter[int] = Counter()
    answers: list[dict[str, Any]] = []
    started = threading.Barrier(CROWD + 1, timeout=60)

    def check() -> None:
        started.wait()
        answer = requests.post(
            f"{live_stack.url}/api/v1/resources/{made['id']}/check",
            headers={"Authorization": f"Bearer {session.token}"},
            timeout=60,
        )
        ends[answer.status_code] += 1
        if answer.status_code == 200:
            answers.append(answer.json())
        elif answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) > 0

    with ThreadPoolExecutor(CROWD) as crowd:
        futures = [crowd.submit(check) for _ in range(CROWD)]
        started.wait()
        durations = [_duration(session) for _ in range(20)]
        for each in futures:
            each.result()
    assert set(ends) == {200, 429}, ends
    assert ends.total() == CROWD
    assert ends[200] >= 10
    assert all(not each["ok"] and "5000 ms" in each["message"] for each in answers)
    # Before, those who came in between waited for the pool's ten seconds.
    assert sum(seconds > 5 for seconds in durations) <= 2, durations


def _duration(session: Any) -> float:
    started = time.monotonic()
    session.get("resources")
    return time.monotonic() - started
