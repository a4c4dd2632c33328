"""Tests of `accounts.api.views.sessions`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import AuditEvent, User
from tests.cast import PASSWORD

LOGIN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"


@pytest.fixture
def client() -> APIClient:
    return APIClient(enforce_csrf_checks=True)


def login(client: APIClient, email: str = "alice@example.com", password: str = PASSWORD) -> Any:
    return client.post(LOGIN, {"email": email, "password": password})


def test_login_gives_tokens_that_work(client: APIClient, alice: User) -> None:
    answer = login(client)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access", "refresh", "user"}
    assert body["user"] == {"id": str(alice.id), "email": "alice@example.com", "name": "Alice"}
    assert _profile(client, body["access"]).json()["email"] == "alice@example.com"
    alice.refresh_from_db()
    assert alice.last_login is not None


def test_the_case_of_the_address_does_not_matter(client: APIClient, alice: User) -> None:
    assert login(client, "ALICE@Example.com").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"), [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD)]
)
def test_wrong_credentials_do_not_say_what_was_wrong(
    client: APIClient, alice: User, email: str, password: str
) -> None:
    answer = login(client, email, password)
    assert answer.status_code == 401
    assert answer.json()["errors"] == [
        {
            "code": "no_active_account",
            "detail": "The e-mail address or the password is wrong.",
            "attr": None,
        }
    ]


def test_a_switched_off_user_cannot_sign_in(client: APIClient, alice: User) -> None:
    tokens = login(client).json()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert login(client).status_code == 401
    assert client.post(REFRESH, {"refresh": tokens["refresh"]}).status_code == 401
    assert _profile(client, tokens["access"]).status_code == 401


def test_missing_fields_are_named_all_at_once(client: APIClient, db: None) -> None:
    answer = client.post(LOGIN, {})
    assert answer.status_code == 400
    assert {error["attr"] for error in answer.json()["errors"]} == {"email", "password"}


def test_refresh_rotates_and_a_used_token_is_over(client: APIClient, alice: User) -> None:
    first = login(client).json()
    second = client.post(REFRESH, {"refresh": first["refresh"]})
    assert second.status_code == 200
    assert set(second.json()) == {"access", "refresh"}
    assert _profile(client, second.json()["access"]).status_code == 200
    assert client.post(REFRESH, {"refresh": first["refresh"]}).status_code == 401
    assert client.post(REFRESH, {"refresh": second.json()["refresh"]}).status_code == 200


def test_a_new_password_ends_every_token(client: APIClient, alice: User) -> None:
    tokens = login(client).json()
    alice.set_password("another long passphrase")
    alice.save()
    assert _profile(client, tokens["access"]).status_code == 401
    assert client.post(REFRESH, {"refresh": tokens["refresh"]}).status_code == 401


def test_an_access_token_does_not_refresh(client: APIClient, alice: User) -> None:
    assert client.post(REFRESH, {"refresh": login(client).json()["access"]}).status_code == 401


def test_an_expired_token_does_not_refresh(client: APIClient, alice: User) -> None:
    token = RefreshToken.for_user(alice)
    token.set_exp(lifetime=-timedelta(seconds=1))
    assert client.post(REFRESH, {"refresh": str(token)}).status_code == 401


def test_a_token_of_a_deleted_user_is_refused(client: APIClient, alice: User) -> None:
    tokens = login(client).json()
    alice.delete()
    assert client.post(REFRESH, {"refresh": tokens["refresh"]}).status_code == 401
    assert _profile(client, tokens["access"]).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\N{SNOWMAN}", "x" * 10_001])
def test_nonsense_does_not_refresh(client: APIClient, db: None, token: str) -> None:
    answer = client.post(REFRESH, {"refresh": token})
    assert answer.status_code in {400, 401}
    assert answer.json()["errors"]


def test_logout_ends_the_refresh_token_and_may_be_repeated(client: APIClient, alice: User) -> None:
    tokens = login(client).json()
    for _ in range(2):
        assert client.post(LOGOUT, {"refresh": tokens["refresh"]}).status_code == 204
    assert client.post(REFRESH, {"refresh": tokens["refresh"]}).status_code == 401
    event = AuditEvent.objects.get(action="account.sign_out")  # once: the second ended nothing
    assert (event.actor_id, event.target_id, event.door) == (alice.pk, str(alice.pk), "API")


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Bearer a b", "Bearer \xff"])
def test_a_bad_bearer_token_is_401_with_one_plain_error(client: APIClient, db: None, header: str) -> None:
    answer = client.get("/api/v1/profile", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    (error,) = answer.json()["errors"]
    assert error["attr"] is None


def _profile(client: APIClient, access: str) -> Any:
    return client.get("/api/v1/profile", HTTP_AUTHORIZATION=f"Bearer {access}")
