"""Tests of `accounts.audit.signals`: every door leaves its traces."""

from __future__ import annotations

from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from tests.cast import PASSWORD


def _told() -> list[tuple[str, str, str, str]]:
    events = AuditEvent.objects.order_by("at")
    return [(event.action, event.actor_name, event.target_name, event.door) for event in events]


def test_the_page(alice: User) -> None:
    browser = Client()
    browser.post("/sign-in", {"username": "ALICE@example.com", "password": "wrong"})
    browser.post("/sign-in", {"username": "alice@example.com", "password": PASSWORD})
    browser.post("/sign-out")
    who = "alice@example.com"
    assert _told() == [
        ("account.sign_in_failed", "", "Alice", "PAGE"),
        ("account.sign_in", who, "Alice", "PAGE"),
        ("account.sign_out", who, "Alice", "PAGE"),
    ]
    assert {event.organisation_id for event in AuditEvent.objects.all()} == {
        alice.organisation_memberships.get().organisation_id
    }


def test_the_api(alice: User) -> None:
    login = "/api/v1/auth/login"
    APIClient().post(login, {"email": "alice@example.com", "password": "wrong"})
    APIClient().post(login, {"email": "alice@example.com", "password": PASSWORD})
    assert _told() == [
        ("account.sign_in_failed", "", "Alice", "API"),
        ("account.sign_in", "alice@example.com", "Alice", "API"),
    ]


def test_the_admin(alice: User) -> None:
    alice.is_staff = True
    alice.save()
    Client().post("/admin/login/", {"username": "alice@example.com", "password": PASSWORD})
    assert _told() == [("account.sign_in", "alice@example.com", "Alice", "ADMIN")]


def test_a_password_typed_as_the_address_is_not_kept(db: None) -> None:
    Client().post("/sign-in", {"username": "hunter2hunter2", "password": "x"})
    assert _told() == [("account.sign_in_failed", "", "", "PAGE")]
    assert "hunter2" not in str(list(AuditEvent.objects.values()))
