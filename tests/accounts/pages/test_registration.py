"""Tests of `accounts.pages.registration`, `accounts.pages.mail_links` and `accounts.pages.cards`."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from accounts.models import Organisation, User
from accounts.services import invitations
from accounts.sign_in import passwords
from tests.accounts.conftest import NEW_PASSWORD, NEWCOMER, Mailbox
from tests.accounts.texts import without_marks
from tests.cast import PASSWORD, PageFor

SIGN_IN = {"username": "new@example.com", "password": PASSWORD}


def text(answer: Any) -> str:
    return str(answer.content.decode())


def anonymous(answer: Any, email: str) -> str:
    """Return the page without the address, and without what is never the same."""
    return without_marks(text(answer)).replace(email, "")


def signed_in(client: Client) -> bool:
    return client.get("/executions").status_code == 200


@pytest.mark.usefixtures("open_registration")
def test_from_the_sign_in_page_to_the_runs(client: Client, mails: Mailbox) -> None:
    assert 'href="/register"' in text(client.get("/sign-in"))
    assert "new@example.com" in text(client.post("/register", NEWCOMER))
    early = client.post("/sign-in", SIGN_IN)
    assert "Confirm your e-mail address first" in text(early)
    assert 'href="/confirm-address/send"' in text(early)
    followed = client.get(mails.link)
    assert followed["Location"] == "/confirm-address"  # without the token
    assert "Is that you?" in text(client.get("/confirm-address"))
    assert not User.objects.get().email_verified  # looking changes nothing
    assert client.post("/confirm-address")["Location"] == "/sign-in"
    assert client.post("/sign-in", SIGN_IN)["Location"] == "/executions"
    assert signed_in(client)


@pytest.mark.usefixtures("open_registration")
def test_a_known_address_sees_the_same_page(client: Client, mails: Mailbox, alice: User) -> None:
    def page(email: str) -> str:
        return anonymous(client.post("/register", {**NEWCOMER, "email": email}), email)

    assert page("alice@example.com") == page("someone@example.com")


@pytest.mark.usefixtures("open_registration")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "12345678"}, "entirely numeric"),
        ({"email": "x"}, "valid email address"),
        ({"email": "a\0b@example.com"}, "Null characters"),
        ({"name": "x" * 151}, "at most 150"),
    ],
)
def test_what_is_wrong_is_said_on_the_form(
    client: Client, mails: Mailbox, change: dict[str, str], said: str
) -> None:
    answer = client.post("/register", {**NEWCOMER, **change})
    assert answer.status_code == 200
    assert said in text(answer)
    assert 'aria-invalid="true"' in text(answer)
    assert PASSWORD not in text(answer)
    assert not User.objects.exists()


@pytest.mark.usefixtures("open_registration")
def test_without_verification_one_signs_in_at_once(
    settings: Settings, client: Client, mails: Mailbox
) -> None:
    settings.EMAIL_VERIFICATION = False
    assert client.post("/register", NEWCOMER)["Location"] == "/sign-in"
    assert "already has an account" in text(client.post("/register", NEWCOMER))
    assert client.post("/sign-in", SIGN_IN)["Location"] == "/executions"


@pytest.mark.parametrize("path", ["/register", "/confirm-address/send"])
def test_registration_is_off_unless_switched_on(client: Client, db: None, path: str) -> None:
    for answer in (client.get(path), client.post(path, NEWCOMER)):
        assert answer.status_code == 403
        assert "Registration is off" in text(answer)
    assert "/register" not in text(client.get("/sign-in"))
    assert not User.objects.exists()


@pytest.mark.usefixtures("open_registration")
def test_the_confirmation_is_sent_again(client: Client, mails: Mailbox) -> None:
    client.post("/register", NEWCOMER)
    for email in ("new@example.com", "nobody@example.com"):
        assert "Check your mail" in text(client.post("/confirm-address/send", {"email": email}))
    assert len(mails.sent) == 2


def test_a_forgotten_password(client: Client, mails: Mailbox, alice: User) -> None:
    answers = {
        anonymous(client.post("/forgot-password", {"email": email}), email)
        for email in ("alice@example.com", "nobody@example.com")
    }
    assert len(answers) == 1
    assert client.get(mails.link)["Location"] == "/reset-password"
    assert "alice@example.com" in text(client.get("/reset-password"))
    assert "too common" in text(client.post("/reset-password", {"password": "password"}))
    assert client.post("/reset-password", {"password": NEW_PASSWORD})["Location"] == "/sign-in"
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    client.get(mails.link)
    assert client.get("/reset-password").status_code == 410


def test_a_reset_ends_the_lockout(settings: Settings, client: Client, mails: Mailbox, alice: User) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    fields = {"username": alice.email, "password": "wrong"}
    assert [client.post("/sign-in", fields).status_code for _ in range(2)] == [200, 429]
    passwords.forgot(email=alice.email)
    client.get(mails.link)
    client.post("/reset-password", {"password": NEW_PASSWORD})
    assert client.post("/sign-in", {**fields, "password": NEW_PASSWORD}).status_code == 302


@pytest.mark.parametrize("path", ["/confirm-address", "/reset-password", "/invitation"])
def test_a_link_that_is_none_says_so(client: Client, db: None, path: str) -> None:
    for link in (path, f"{path}/x", f"{path}/{'x' * 2_000}"):
        answer = client.get(link, follow=True)
        assert answer.status_code == 410
        assert "no longer works" in text(answer)
        assert client.post(path).status_code == 410
    assert not Session.objects.exists()  # nobody fills the table with links of their own making


def test_forms_need_their_token_and_tokens_of_links_are_not_logged(
    mails: Mailbox, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    passwords.forgot(email=alice.email)
    client = Client(enforce_csrf_checks=True)
    with caplog.at_level(logging.INFO):
        client.get(mails.link)
        assert client.post("/reset-password", {"password": NEW_PASSWORD}).status_code == 403
    assert mails.token not in caplog.text


def invite(organisation: Organisation, alice: User, email: str) -> None:
    invitations.invite(organisation=organisation, email=email, role="MEMBER", invited_by=alice)


def test_an_invited_newcomer_is_signed_in(
    client: Client, mails: Mailbox, alice: User, organisation: Organisation
) -> None:
    invite(organisation, alice, "new@example.com")
    assert client.get(mails.link)["Location"] == "/invitation"
    page = text(client.get("/invitation"))
    assert "Join Acme" in page
    assert "alice@example.com" in page
    assert "entirely numeric" in text(client.post("/invitation", {"password": "12345678"}))
    assert client.post("/invitation", {"name": "Nora", "password": PASSWORD})["Location"] == "/executions"
    assert signed_in(client)
    assert User.objects.get(email="new@example.com").organisation_memberships.count() == 1


def test_somebody_with_an_account_gives_its_password(
    client: Client, mails: Mailbox, alice: User, charlie: User, organisation: Organisation
) -> None:
    invite(organisation, alice, charlie.email)
    client.get(mails.link)
    assert "Password of your account" in text(client.get("/invitation"))
    assert "not the password" in text(client.post("/invitation", {"password": NEW_PASSWORD}))
    assert client.post("/invitation", {"password": PASSWORD})["Location"] == "/executions"
    assert charlie.organisation_memberships.count() == 2


def test_who_is_signed_in_just_joins(
    page: PageFor, mails: Mailbox, alice: User, bob: User, charlie: User, organisation: Organisation
) -> None:
    invite(organisation, alice, charlie.email)
    stranger = page(bob)
    stranger.get(mails.link)
    for answer in (stranger.get("/invitation"), stranger.post("/invitation")):
        assert answer.status_code == 403
        assert "for somebody else" in text(answer)
    browser = page(charlie)
    browser.get(mails.link)
    assert browser.post("/invitation")["Location"] == "/executions"
    assert charlie.organisation_memberships.filter(organisation=organisation).exists()
