"""Tests of `accounts.pages.sign_in`."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from tests.cast import PASSWORD, PageFor

RIGHT = {"username": "alice@example.com", "password": PASSWORD}


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=False)


def test_the_page_is_keyboard_friendly_and_works_with_password_managers(client: Client, db: None) -> None:
    page = client.get("/sign-in").content.decode()
    assert '<label for="id_username">E-mail address</label>' in page
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert page.count("autofocus") == 1
    assert "<script>" not in page
    assert "style=" not in page


def test_signing_in_leads_to_the_runs(client: Client, alice: User) -> None:
    answer = client.post("/sign-in", RIGHT)
    assert answer.status_code == 302
    assert answer["Location"] == "/executions"
    assert client.get("/executions").status_code == 200


def test_a_wrong_password_is_said_and_the_address_kept(client: Client, alice: User) -> None:
    answer = client.post("/sign-in", {**RIGHT, "password": "wrong", "next": "/flows"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'role="alert"' in page
    assert "The e-mail address or the password is wrong." in page
    assert 'value="alice@example.com"' in page
    assert 'name="next" value="/flows"' in page
    assert "wrong" not in page.split('name="password"')[1].split(">")[0]


@pytest.mark.parametrize("fields", [{}, {"username": "a\0b", "password": "\0"}, {"username": "x" * 9999}])
def test_bad_input_is_answered_with_the_page(client: Client, alice: User, fields: dict[str, str]) -> None:
    assert client.post("/sign-in", fields).status_code == 200


def test_next_is_followed_within_the_site(client: Client, alice: User) -> None:
    assert client.post("/sign-in", {**RIGHT, "next": "/flows?label=a"})["Location"] == "/flows?label=a"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", r"\\evil.example", "javascript:alert(1)", "http:evil.example"],
)
def test_next_never_leads_elsewhere(client: Client, alice: User, elsewhere: str) -> None:
    assert client.post("/sign-in", {**RIGHT, "next": elsewhere})["Location"] == "/executions"


def test_who_is_signed_in_is_sent_on(page: PageFor, alice: User) -> None:
    browser = page(alice)
    assert browser.get("/sign-in?next=/flows")["Location"] == "/flows"
    assert browser.get("/sign-in?next=/sign-in")["Location"] == "/executions"


def test_signing_out_takes_a_post(page: PageFor, alice: User) -> None:
    browser = page(alice)
    assert browser.get("/sign-out").status_code == 405
    assert browser.post("/sign-out")["Location"] == "/sign-in"
    assert "/sign-in" in browser.get("/executions")["Location"]


def test_forms_need_their_token(alice: User) -> None:
    assert Client(enforce_csrf_checks=True).post("/sign-in", RIGHT).status_code == 403


def test_the_root_leads_to_the_runs(client: Client) -> None:
    assert client.get("/")["Location"] == "/executions"
