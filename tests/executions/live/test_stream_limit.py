"""The number of open streams of an organisation: over its teams, given back, and without Redis nobody is refused."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from accounts.models import Team, User
from executions.live import stream_limit as places
from resources.limits.models import OrganisationLimits
from tests.executions.driving import begin, delay
from tests.executions.live.conftest import TIMEOUT, Watch


def limit(team: Team, number: int) -> None:
    OrganisationLimits.objects.create(organisation=team.organisation, web_sockets=number)


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + TIMEOUT
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_one_too_many_is_closed_with_4429(watch: Watch, alice: User, team: Team) -> None:
    limit(team, 1)
    execution = begin(team, [delay("a", ms=10**7)])
    with watch(f"executions/{execution.pk}", user=alice) as first:
        assert first.next()["updateType"] == "SNAPSHOT"
        for path in (f"executions/{execution.pk}", f"teams/{team.pk}"):
            with watch(path, user=alice) as second:
                assert second.until_close() == ([], 4429)

    def free_again() -> bool:
        with watch(f"executions/{execution.pk}", user=alice) as third:
            try:
                return bool(third.next()["updateType"] == "SNAPSHOT")
            except Exception:  # closed: the place of the first is given back a moment after its end
                return False

    wait_until(free_again)


def test_organisations_are_counted_apart(db: None, team: Team, other_team: Team) -> None:
    limit(team, 1)
    assert places.take(team.pk) is not None
    assert places.take(team.pk) is None
    assert places.take(other_team.pk) is not None


def test_a_place_that_nobody_renews_is_free(db: None, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(team, 1)
    monkeypatch.setattr(places, "LIFETIME", 1.0)
    place = places.take(team.pk)
    assert place is not None
    wait_until(lambda: places.take(team.pk) is not None)


def test_a_renewed_place_is_held(db: None, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(team, 1)
    monkeypatch.setattr(places, "LIFETIME", 1.0)
    place = places.take(team.pk)
    assert place is not None
    monkeypatch.setattr(places, "LIFETIME", 1_000.0)
    place.keep()
    time.sleep(1.2)  # longer than the first lifetime: without the renewal it would be free
    assert places.take(team.pk) is None


def test_without_redis_nobody_is_refused(db: None, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(team, 1)
    monkeypatch.setattr(places, "_rests_until", 0.0)
    monkeypatch.setattr(
        places, "layer_settings", lambda: {"prefix": "asgi", "hosts": ["redis://127.0.0.1:9/0"]}
    )
    places.client.cache_clear()
    try:
        assert places.take(team.pk) is not None
        assert places.take(team.pk) is not None
        assert places._rests_until > time.monotonic()
    finally:
        places.client.cache_clear()
