"""Tests of `accounts.pages.profile`."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.accounts.conftest import NEW_PASSWORD
from tests.cast import PASSWORD, PageFor

CHANGE = {"current": PASSWORD, "new": NEW_PASSWORD}


def test_it_shows_the_account(page: PageFor, bob: User) -> None:
    text = page(bob).get("/profile").content.decode()
    for shown in ("bob@example.com", "Bob", "Member of", "Acme", "Editor in", "Checkout"):
        assert shown in text
    assert "<script>" not in text
    assert "style=" not in text


def test_the_name_is_changed(page: PageFor, bob: User) -> None:
    browser = page(bob)
    assert browser.post("/profile", {"name": "Robert"})["Location"] == "/profile"
    bob.refresh_from_db()
    assert bob.name == "Robert"
    assert "at most 150" in browser.post("/profile", {"name": "x" * 151}).content.decode()


def test_a_new_password_signs_out_everywhere(page: PageFor, bob: User) -> None:
    here, elsewhere = page(bob), page(bob)
    assert here.post("/profile/password", CHANGE)["Location"] == "/sign-in"
    for browser in (here, elsewhere):
        assert browser.get("/profile").status_code == 302
    assert "Your password was changed" in here.get("/sign-in").content.decode()
    bob.refresh_from_db()
    assert bob.check_password(NEW_PASSWORD)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"current": "wrong"}, "This is not your password."),
        ({"new": "12345678"}, "entirely numeric"),
        ({"current": ""}, "required"),
    ],
)
def test_a_bad_change_is_said_and_nothing_ends(
    page: PageFor, bob: User, change: dict[str, str], said: str
) -> None:
    browser = page(bob)
    assert said in browser.post("/profile/password", {**CHANGE, **change}).content.decode()
    assert browser.get("/profile").status_code == 200
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


def test_guessing_the_password_of_an_open_session_ends_in_a_pause(
    settings: Settings, page: PageFor, bob: User
) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    browser = page(bob)
    guesses = [browser.post("/profile/password", {**CHANGE, "current": "wrong"}) for _ in range(2)]
    assert [answer.status_code for answer in guesses] == [200, 429]
    assert browser.post("/profile/password", CHANGE).status_code == 429


def test_signing_out_everywhere(page: PageFor, bob: User) -> None:
    here, elsewhere = page(bob), page(bob)
    assert here.post("/profile/sign-out-everywhere")["Location"] == "/sign-in"
    for browser in (here, elsewhere):
        assert browser.get("/profile").status_code == 302


@pytest.mark.parametrize("path", ["/profile", "/profile/password", "/profile/sign-out-everywhere"])
def test_it_needs_a_sign_in(client: Client, db: None, path: str) -> None:
    assert client.post(path)["Location"].startswith("/sign-in")


def test_changes_take_a_post(page: PageFor, bob: User) -> None:
    for path in ("/profile/password", "/profile/sign-out-everywhere"):
        assert page(bob).get(path).status_code == 405
