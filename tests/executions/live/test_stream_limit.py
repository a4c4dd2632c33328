"""The limit of an organisation's open streams: over all its teams, released, and without Redis no limit."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from accounts.models import Team, User
from executions.live import stream_limit
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
            except Exception:  # closed: the slot of the first is released a moment after its end
                return False

    wait_until(free_again)


def test_organisations_are_counted_apart(db: None, team: Team, other_team: Team) -> None:
    limit(team, 1)
    assert stream_limit.take_slot(team.pk) is not None
    assert stream_limit.take_slot(team.pk) is None
    assert stream_limit.take_slot(other_team.pk) is not None


def test_a_slot_that_is_not_renewed_is_free(db: None, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(team, 1)
    monkeypatch.setattr(stream_limit, "LIFETIME", 1.0)
    slot = stream_limit.take_slot(team.pk)
    assert slot is not None
    wait_until(lambda: stream_limit.take_slot(team.pk) is not None)


def test_a_renewed_slot_is_held(db: None, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(team, 1)
    monkeypatch.setattr(stream_limit, "LIFETIME", 1.0)
    slot = stream_limit.take_slot(team.pk)
    assert slot is not None
    monkeypatch.setattr(stream_limit, "LIFETIME", 1_000.0)
    slot.renew()
    time.sleep(1.2)  # longer than the first lifetime: without the renewal it would be free
    assert stream_limit.take_slot(team.pk) is None


def test_without_redis_nobody_is_refused(db: None, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(team, 1)
    monkeypatch.setattr(stream_limit, "_retry_at", 0.0)
    monkeypatch.setattr(
        stream_limit, "layer_settings", lambda: {"prefix": "asgi", "hosts": ["redis://127.0.0.1:9/0"]}
    )
    stream_limit.client.cache_clear()
    try:
        assert stream_limit.take_slot(team.pk) is not None
        assert stream_limit.take_slot(team.pk) is not None
        assert stream_limit._retry_at > time.monotonic()
    finally:
        stream_limit.client.cache_clear()
