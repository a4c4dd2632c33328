"""Tests of `accounts.api.views.users`."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import Team, User
from tests.accounts.conftest import Mailbox
from tests.cast import PASSWORD, ApiFor


def test_the_profile_shows_roles(api: ApiFor, alice: User, bob: User, team: Team) -> None:
    body = api(bob).get("/api/v1/profile").json()
    assert body["email"] == "bob@example.com"
    assert body["isAdministrator"] is False
    assert [(o["name"], o["role"]) for o in body["organisations"]] == [("Acme", "MEMBER")]
    assert [(t["id"], t["organisationName"], t["role"]) for t in body["teams"]] == [
        (str(team.id), "Acme", "EDITOR")
    ]


def test_the_profile_is_shown_with_few_queries(
    api: ApiFor, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        Team.objects.create(organisation=alice.organisation_memberships.get().organisation, name=f"T{number}")
    with django_assert_num_queries(2):
        assert len(api(alice).get("/api/v1/profile").json()["teams"]) == 6


def test_the_name_can_be_changed_and_nothing_else(api: ApiFor, alice: User) -> None:
    body = {"name": "Alice A.", "email": "x@example.com", "isAdministrator": True, "id": str(uuid4())}
    answer = api(alice).patch("/api/v1/profile", body)
    assert answer.status_code == 200
    assert answer.json()["name"] == "Alice A."
    alice.refresh_from_db()
    assert (alice.name, alice.email, alice.is_superuser) == ("Alice A.", "alice@example.com", False)


@pytest.mark.parametrize("body", [{"name": "x" * 151}, {"name": None}, [], "text"])
def test_a_bad_profile_is_refused(api: ApiFor, alice: User, body: object) -> None:
    assert api(alice).patch("/api/v1/profile", body).status_code == 400


def test_users_are_those_of_my_organisations(api: ApiFor, alice: User, bob: User, charlie: User) -> None:
    listed = api(alice).get("/api/v1/users").json()
    assert [user["email"] for user in listed["results"]] == ["alice@example.com", "bob@example.com"]
    assert api(alice).get(f"/api/v1/users/{bob.id}").json()["name"] == "Bob"
    assert api(alice).get(f"/api/v1/users/{charlie.id}").status_code == 404
    assert api(charlie).get(f"/api/v1/users/{bob.id}").status_code == 404


def test_users_can_be_searched(api: ApiFor, alice: User, bob: User) -> None:
    found = api(alice).get("/api/v1/users?search=BOB&ordering=-email").json()
    assert [user["name"] for user in found["results"]] == ["Bob"]


def test_an_owner_renames_and_switches_off(api: ApiFor, alice: User, bob: User) -> None:
    url = f"/api/v1/users/{bob.id}"
    shown = api(alice).patch(url, {"name": "Robert", "isActive": False, "email": "x@example.com"})
    assert shown.status_code == 200
    expected = {"id": str(bob.id), "email": "bob@example.com", "name": "Robert", "isActive": False}
    assert shown.json() == {**expected, "managed": True}
    bob.refresh_from_db()
    assert (bob.name, bob.is_active, bob.email) == ("Robert", False, "bob@example.com")
    assert api(alice).patch(url, {"isActive": True}).json()["isActive"] is True


def test_an_owner_sends_a_link_for_a_new_password(
    mails: Mailbox, api: ApiFor, alice: User, bob: User
) -> None:
    assert api(alice).post(f"/api/v1/users/{bob.id}/reset-password").status_code == 202
    assert mails.last.to == [bob.email]


def test_others_administer_nobody(
    mails: Mailbox, api: ApiFor, alice: User, bob: User, vera: User, charlie: User
) -> None:
    for user, target, status in (
        (bob, vera, 403),
        (bob, alice, 403),
        (alice, alice, 403),
        (charlie, bob, 404),
    ):
        url = f"/api/v1/users/{target.id}"
        assert api(user).patch(url, {"isActive": False}).status_code == status
        assert api(user).post(f"{url}/reset-password").status_code == status
    assert User.objects.filter(is_active=False).count() == 0
    assert mails.sent == []


def test_administrators_of_the_installation_make_accounts(api: ApiFor, alice: User) -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    body = {"email": "New@example.com", "name": "Nora", "password": PASSWORD}
    made = api(root).post("/api/v1/users", body)
    assert made.status_code == 201
    assert (made.json()["email"], made.json()["managed"]) == ("new@example.com", True)
    assert api(root).post("/api/v1/users", body).json()["errors"][0]["attr"] == "email"
    weak = api(root).post("/api/v1/users", {**body, "email": "b@example.com", "password": "12345678"})
    assert weak.json()["errors"][0]["attr"] == "password"
    assert api(alice).post("/api/v1/users", body).status_code == 403
    assert "alice@example.com" in [user["email"] for user in api(root).get("/api/v1/users").json()["results"]]


def test_accounts_are_not_deleted(api: ApiFor, alice: User, bob: User) -> None:
    assert api(alice).delete(f"/api/v1/users/{bob.id}").status_code == 405
    assert api(alice).put(f"/api/v1/users/{bob.id}", {}).status_code == 405


@pytest.mark.parametrize("path", ["profile", "users", "organisations", "teams"])
def test_nobody_sees_anything_without_signing_in(db: None, path: str) -> None:
    answer = APIClient().get(f"/api/v1/{path}")
    assert answer.status_code == 401
    assert answer.json()["type"] == "client_error"
