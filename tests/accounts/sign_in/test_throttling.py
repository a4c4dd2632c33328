"""Tests of `accounts.sign_in.throttling`: one client cannot ask for everything all the time."""

from __future__ import annotations

from random import SystemRandom
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from redis.exceptions import ConnectionError as NoRedis

from accounts.models import User
from tests.accounts.conftest import Mailbox


def somewhere() -> str:
    """An address that no other test counts."""
    return ".".join(["10", *(str(SystemRandom().randrange(256)) for _ in range(3))])


def api(path: str, body: dict[str, Any], address: str) -> Any:
    return Client(REMOTE_ADDR=address).post(f"/api/v1/auth/{path}", body, "application/json")


@pytest.fixture
def two_a_minute(settings: Settings, db: None) -> str:
    settings.AUTH_RATES = {"auth": "2/minute"}
    return somewhere()


@pytest.mark.parametrize(
    "path", ["login", "refresh", "logout", "reset-password", "verify-email", "accept-invitation"]
)
def test_the_api_asks_for_patience(two_a_minute: str, path: str) -> None:
    answers = [api(path, {}, two_a_minute) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert answers[-1].json()["errors"][0]["code"] == "throttled"
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert api(path, {}, somewhere()).status_code == 400


def test_pages_ask_for_patience_and_count_with_the_api(two_a_minute: str) -> None:
    api("login", {}, two_a_minute)
    client = Client(REMOTE_ADDR=two_a_minute)
    assert client.post("/sign-in", {}).status_code == 200
    refused = client.post("/sign-in", {})
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert "Too many attempts" in refused.content.decode()
    assert client.get("/sign-in").status_code == 200


def test_mails_are_counted_by_client(settings: Settings, mails: Mailbox, alice: User) -> None:
    settings.AUTH_RATES = {"mail": "2/hour"}
    client = somewhere()
    answers = [api("forgot-password", {"email": f"{n}@example.com"}, client) for n in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    page = Client(REMOTE_ADDR=client).post("/forgot-password", {"email": "alice@example.com"})
    assert page.status_code == 429
    assert mails.sent == []


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_mails_are_counted_by_recipient_known_or_not(
    settings: Settings, mails: Mailbox, alice: User, email: str
) -> None:
    settings.AUTH_RATES = {"recipient": "2/hour"}
    cache.delete_many(_keys(email))
    spellings = [email, f" {email.upper()}", email]
    answers = [api("forgot-password", {"email": spelling}, somewhere()) for spelling in spellings]
    assert [answer.status_code for answer in answers] == [202, 202, 429]


def test_without_redis_nothing_is_refused(
    two_a_minute: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = []

    def away(*_: Any, **__: Any) -> None:
        tries.append(1)
        raise NoRedis("away")

    monkeypatch.setattr(
        "accounts.sign_in.throttling._Throttle.rests_until", 0.0
    )  # back to that afterwards, too
    monkeypatch.setattr(type(cache._connections["default"]), "get", away)  # type: ignore[attr-defined] # the real one
    assert {api("login", {}, two_a_minute).status_code for _ in range(4)} == {400}
    assert "not counted" in caplog.text
    assert len(tries) == 1, "each try costs its time-out"


@pytest.mark.parametrize("body", [[], "text", {"email": 7}, {"email": "\ud800"}, {}])
def test_odd_bodies_are_bad_requests(settings: Settings, db: None, body: Any) -> None:
    settings.AUTH_RATES = {"recipient": "100/minute"}
    assert api("forgot-password", body, somewhere()).status_code == 400


def _keys(email: str) -> list[str]:
    from accounts.sign_in.throttling import RecipientThrottle  # noqa: PLC0415 - for the key alone

    class Asked:
        data = {"email": email}

    return [RecipientThrottle().get_cache_key(Asked(), None) or ""]
