"""Tests of `accounts.api.views.registration`."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Organisation, User
from tests.accounts.conftest import NEW_PASSWORD, NEWCOMER, Mailbox
from tests.cast import PASSWORD, ApiFor

LOGIN = {"email": "new@example.com", "password": PASSWORD}


def post(path: str, body: Any) -> Any:
    return APIClient(enforce_csrf_checks=True).post(f"/api/v1/auth/{path}", body)


def codes(answer: Any) -> list[tuple[str, str | None]]:
    return [(error["code"], error["attr"]) for error in answer.json()["errors"]]


@pytest.mark.usefixtures("open_registration")
def test_from_nothing_to_signed_in(mails: Mailbox) -> None:
    made = post("register", NEWCOMER)
    assert made.status_code == 201
    assert made.json() == {"email": "new@example.com", "verificationRequired": True}
    early = post("login", LOGIN)
    assert early.status_code == 401
    assert codes(early) == [("email_not_verified", None)]
    assert post("verify-email", {"token": mails.token}).status_code == 204
    session = post("login", LOGIN)
    assert session.status_code == 200
    assert session.json()["user"]["name"] == "Nora New"
    assert codes(post("verify-email", {"token": mails.token})) == [("link_over", "token")]


@pytest.mark.usefixtures("open_registration")
def test_a_wrong_password_says_nothing_of_confirmation(mails: Mailbox) -> None:
    post("register", NEWCOMER)
    assert codes(post("login", {**LOGIN, "password": "wrong"})) == [("no_active_account", None)]


@pytest.mark.usefixtures("open_registration")
def test_a_known_address_gets_the_same_answer(mails: Mailbox, alice: User) -> None:
    new, known = (post("register", {**NEWCOMER, "email": email}) for email in ("a@example.com", alice.email))
    assert (new.status_code, known.status_code) == (201, 201)
    assert {**new.json(), "email": ""} == {**known.json(), "email": ""}
    its_own = {name: new[name] for name in ("Content-Length", "X-Request-ID")}
    assert dict(new.headers) == {**dict(known.headers), **its_own}
    assert User.objects.filter(email=alice.email).count() == 1


@pytest.mark.usefixtures("open_registration")
@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"email": "none"}, "email"),
        ({"email": "x" * 250 + "@example.com"}, "email"),
        ({"password": "12345678"}, "password"),
        ({"password": "new@example.com"}, "password"),
        ({"password": "x" * 1_001}, "password"),
        ({"password": None}, "password"),
        ({"name": "x" * 151}, "name"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(mails: Mailbox, change: dict[str, Any], place: str) -> None:
    answer = post("register", {**NEWCOMER, **change})
    assert answer.status_code == 400
    assert {attr for _, attr in codes(answer)} == {place}
    assert not User.objects.exists()
    assert mails.sent == []


@pytest.mark.usefixtures("open_registration")
def test_without_verification_a_known_address_is_said(
    settings: Settings, mails: Mailbox, alice: User
) -> None:
    settings.EMAIL_VERIFICATION = False
    assert post("register", NEWCOMER).json()["verificationRequired"] is False
    assert post("login", LOGIN).status_code == 200
    assert codes(post("register", NEWCOMER)) == [("unique", "email")]


@pytest.mark.usefixtures("open_registration")
def test_the_link_is_sent_again_whoever_asks(mails: Mailbox) -> None:
    post("register", NEWCOMER)
    for email in ("new@example.com", "nobody@example.com"):
        answer = post("verify-email/send", {"email": email})
        assert (answer.status_code, answer.content) == (202, b"")
    assert len(mails.sent) == 2


@pytest.mark.parametrize(
    ("path", "body"), [("register", NEWCOMER), ("verify-email/send", {"email": "a@b.cc"})]
)
def test_registration_is_off_unless_switched_on(db: None, path: str, body: dict[str, str]) -> None:
    answer = post(path, body)
    assert answer.status_code == 403
    assert codes(answer) == [("registration_off", None)]
    assert not User.objects.exists()


@pytest.mark.usefixtures("open_registration")
def test_verification_asked_for_later_ends_what_is_signed_in(settings: Settings, mails: Mailbox) -> None:
    settings.EMAIL_VERIFICATION = False
    post("register", NEWCOMER)
    User.objects.update(email_verified=False)
    tokens = post("login", LOGIN).json()
    settings.EMAIL_VERIFICATION = True
    assert post("refresh", {"refresh": tokens["refresh"]}).status_code == 401
    profile = APIClient().get("/api/v1/profile", HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    assert profile.status_code == 401


def test_an_invitation_is_taken_up(
    mails: Mailbox, api: ApiFor, alice: User, organisation: Organisation
) -> None:
    api(alice).post("/api/v1/invitations", {"email": "new@example.com"})
    body = {"token": mails.token, "password": PASSWORD, "name": "Nora"}
    answer = post("accept-invitation", body)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh", "user"}
    profile = APIClient().get("/api/v1/profile", HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert [(each["name"], each["role"]) for each in profile.json()["organisations"]] == [("Acme", "MEMBER")]
    assert codes(post("accept-invitation", body)) == [("link_over", "token")]


def test_an_invitation_takes_the_password_of_the_account(
    mails: Mailbox, api: ApiFor, alice: User, charlie: User
) -> None:
    api(alice).post("/api/v1/invitations", {"email": charlie.email})
    wrong = post("accept-invitation", {"token": mails.token, "password": NEW_PASSWORD})
    assert wrong.status_code == 401
    weak = post("accept-invitation", {"token": mails.token, "password": ""})
    assert codes(weak) == [("blank", "password")]
    assert post("accept-invitation", {"token": mails.token, "password": PASSWORD}).status_code == 200
