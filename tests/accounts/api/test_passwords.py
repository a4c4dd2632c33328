"""Tests of `accounts.api.views.passwords`."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.sign_in import sessions
from tests.accounts.conftest import NEW_PASSWORD, Mailbox
from tests.cast import PASSWORD, ApiFor, PageFor

CHANGE = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}


def auth(path: str, body: Any) -> Any:
    return APIClient(enforce_csrf_checks=True).post(f"/api/v1/auth/{path}", body)


def login(password: str = PASSWORD) -> Any:
    return auth("login", {"email": "alice@example.com", "password": password})


def bearer(tokens: dict[str, str]) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    return client


def over(tokens: dict[str, str]) -> bool:
    """Return whether neither token works any more."""
    renewed = auth("refresh", {"refresh": tokens["refresh"]})
    return {bearer(tokens).get("/api/v1/profile").status_code, renewed.status_code} == {401}


def codes(answer: Any) -> list[tuple[str, str | None]]:
    return [(error["code"], error["attr"]) for error in answer.json()["errors"]]


def test_a_forgotten_password_is_set(mails: Mailbox, alice: User) -> None:
    tokens = login().json()
    for email in ("alice@example.com", "nobody@example.com"):
        answer = auth("forgot-password", {"email": email})
        assert (answer.status_code, answer.content) == (202, b"")
    assert len(mails.sent) == 1
    body = {"token": mails.token, "password": NEW_PASSWORD}
    assert codes(auth("reset-password", {**body, "password": "12345678"}))[0][1] == "password"
    assert auth("reset-password", body).status_code == 204
    assert over(tokens)
    assert login().status_code == 401
    assert login(NEW_PASSWORD).status_code == 200
    assert codes(auth("reset-password", body)) == [("link_over", "token")]


@pytest.mark.parametrize("token", ["x", "a:b:c", "x" * 1_001, ""])
def test_a_token_that_is_none_is_refused(db: None, token: str) -> None:
    answer = auth("reset-password", {"token": token, "password": NEW_PASSWORD})
    assert answer.status_code == 400
    assert codes(answer)[0][1] == "token"


def test_changing_the_password_ends_every_token_and_session(alice: User, page: PageFor) -> None:
    browser, tokens, others = page(alice), login().json(), login().json()
    assert bearer(tokens).post("/api/v1/profile/password", CHANGE).status_code == 204
    assert over(tokens)
    assert over(others)
    assert browser.get("/executions").status_code == 302
    assert login(NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"currentPassword": "wrong"}, "currentPassword"),
        ({"newPassword": "12345678"}, "newPassword"),
        ({"newPassword": "alice@example.com"}, "newPassword"),
        ({"newPassword": ""}, "newPassword"),
    ],
)
def test_a_bad_change_is_refused_at_its_place(
    api: ApiFor, alice: User, change: dict[str, str], place: str
) -> None:
    answer = api(alice).post("/api/v1/profile/password", {**CHANGE, **change})
    assert answer.status_code == 400
    assert {attr for _, attr in codes(answer)} == {place}
    assert login().status_code == 200


def test_signing_out_everywhere_ends_every_token_and_session(alice: User, page: PageFor) -> None:
    browser, tokens, others = page(alice), login().json(), login().json()
    assert bearer(tokens).post("/api/v1/profile/sign-out-everywhere").status_code == 204
    assert over(tokens)
    assert over(others)
    assert browser.get("/executions").status_code == 302
    assert not over(login().json())
    alice.refresh_from_db()
    access = {"access": sessions.access_token(user=alice)}
    assert bearer(access).get("/api/v1/profile").status_code == 200


@pytest.mark.parametrize("path", ["profile/password", "profile/sign-out-everywhere"])
def test_nobody_can_do_that_without_signing_in(db: None, path: str) -> None:
    assert APIClient().post(f"/api/v1/{path}", CHANGE).status_code == 401
