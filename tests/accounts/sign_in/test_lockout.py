"""Tests of `accounts.sign_in.lockout` and `asynctester.middleware.lockout`: guessing ends in a pause, at every door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from axes.models import AccessAttempt
from django.db.models import F
from django.test import AsyncClient, Client
from pytest_django import Settings

from accounts.models import User
from accounts.sign_in import lockout
from tests.cast import PASSWORD

HERE, ELSEWHERE = "203.0.113.1", "203.0.113.2"
LIMIT = 3


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = LIMIT
    settings.LOCKOUT_ADDRESS_FAILURES = 2 * LIMIT


def by_api(email: str, password: str, address: str = HERE) -> Any:
    body = {"email": email, "password": password}
    return Client(REMOTE_ADDR=address).post("/api/v1/auth/login", body, "application/json")


def by_page(email: str, password: str, address: str = HERE) -> Any:
    return Client(REMOTE_ADDR=address).post("/sign-in", {"username": email, "password": password})


def by_admin(email: str, password: str, address: str = HERE) -> Any:
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": email, "password": password})


def fail(times: int, email: str = "alice@example.com", address: str = HERE) -> Any:
    answers = [by_api(email, "wrong", address) for _ in range(times)]
    return answers[-1]


@pytest.mark.parametrize("door", [by_api, by_page, by_admin])
def test_every_door_locks_and_says_for_how_long(alice: User, door: Any) -> None:
    answers = [door("alice@example.com", "wrong") for _ in range(LIMIT)]
    assert 429 not in [answer.status_code for answer in answers[:-1]]
    right = door("ALICE@example.com", PASSWORD)
    for locked in (answers[-1], right):
        assert locked.status_code == 429
        assert 0 < int(locked["Retry-After"]) <= 15 * 60
        assert "15 minutes" in locked.content.decode()


def test_the_api_answers_in_the_shape_of_errors(alice: User) -> None:
    assert fail(LIMIT).json() == {
        "type": "client_error",
        "errors": [
            {
                "code": "locked_out",
                "detail": "Too many failed sign-ins. Try again in 15 minutes.",
                "attr": None,
            }
        ],
    }


def test_doors_count_together(alice: User) -> None:
    for door in (by_api, by_page, by_admin):
        door("alice@example.com", "wrong")
    assert by_api("alice@example.com", PASSWORD).status_code == 429


def test_the_user_can_sign_in_from_elsewhere_and_others_from_here(alice: User, bob: User) -> None:
    fail(LIMIT)
    assert by_api("alice@example.com", PASSWORD, ELSEWHERE).status_code == 200
    assert by_api("bob@example.com", PASSWORD).status_code == 200


def test_an_address_that_tries_many_users_is_locked(alice: User) -> None:
    for number in range(2 * LIMIT):
        fail(1, f"nobody{number}@example.com")
    assert by_api("alice@example.com", PASSWORD).status_code == 429
    assert by_api("alice@example.com", PASSWORD, ELSEWHERE).status_code == 200


def test_a_password_of_ones_own_does_not_buy_more_guesses(alice: User, bob: User) -> None:
    for number in range(2 * LIMIT):
        fail(1, f"nobody{number}@example.com")
        by_api("bob@example.com", PASSWORD)
    assert by_api("bob@example.com", PASSWORD).status_code == 429


def test_signing_in_forgives_the_users_own_mistakes(alice: User) -> None:
    fail(LIMIT - 1)
    assert by_api("alice@example.com", PASSWORD).status_code == 200
    assert fail(LIMIT - 1).status_code == 401


def test_the_pause_ends_and_trying_meanwhile_does_not_make_it_longer(alice: User) -> None:
    fail(LIMIT)
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=14))
    still = by_api("alice@example.com", "wrong")
    assert still.status_code == 429
    assert int(still["Retry-After"]) <= 60
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=2))
    assert by_api("alice@example.com", PASSWORD).status_code == 200


def test_who_showed_otherwise_who_they_are_is_forgiven(alice: User) -> None:
    fail(LIMIT)
    lockout.forgive(email="Alice@example.com")
    assert by_api("alice@example.com", PASSWORD).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_pause_holds_on_the_asynchronous_server(alice: User) -> None:
    fail(LIMIT)

    async def sign_in() -> Any:
        body = {"email": "alice@example.com", "password": PASSWORD}
        return await AsyncClient(REMOTE_ADDR=HERE).post("/api/v1/auth/login", body, "application/json")

    AccessAttempt.objects.update(ip_address="127.0.0.1")  # the asynchronous test client has no other
    answer = async_to_sync(sign_in)()
    assert answer.status_code == 429
    assert answer.json()["errors"][0]["code"] == "locked_out"


def test_nothing_of_the_password_is_kept(alice: User) -> None:
    by_page("alice@example.com", "my secret guess")
    by_admin("alice@example.com", "my secret guess")
    assert "my secret guess" not in str(list(AccessAttempt.objects.values()))


@pytest.mark.parametrize("name", ["", "x" * 300, "\N{SNOWMAN}@example.com"])
def test_odd_names_are_counted_too(db: None, name: str) -> None:
    assert by_page(name, "wrong").status_code == 200
    assert by_api(name, "wrong").status_code in (400, 401)
