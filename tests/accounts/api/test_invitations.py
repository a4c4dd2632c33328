"""Tests of `accounts.api.views.invitations`."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.mail import links
from accounts.models import Invitation, Organisation, OrganisationMembership, Team, User
from tests.accounts.conftest import Mailbox
from tests.cast import PASSWORD, ApiFor

URL = "/api/v1/invitations"


def codes(answer: Any) -> list[tuple[str, str | None]]:
    return [(error["code"], error["attr"]) for error in answer.json()["errors"]]


@pytest.fixture
def invitation(organisation: Organisation, alice: User) -> Invitation:
    return Invitation.objects.create(
        organisation=organisation, email="new@example.com", role="MEMBER", invited_by=alice
    )


def test_an_owner_invites_into_a_team(mails: Mailbox, api: ApiFor, alice: User, team: Team) -> None:
    body = {"email": "New@example.com", "role": "admin", "teamId": str(team.pk), "teamRole": "viewer"}
    made = api(alice).post(URL, body)
    assert made.status_code == 201
    shown = made.json()
    assert shown.pop("expiresAt") - shown.pop("createdAt") > 6 * 24 * 3_600_000
    assert shown == {
        "id": str(Invitation.objects.get().pk),
        "email": "new@example.com",
        "organisationId": str(team.organisation_id),
        "organisationName": "Acme",
        "role": "ADMIN",
        "teamId": str(team.pk),
        "teamName": "Checkout",
        "teamRole": "VIEWER",
        "invitedBy": "alice@example.com",
        "link": None,
    }
    assert mails.last.to == ["new@example.com"]
    assert [each["email"] for each in api(alice).get(URL).json()["results"]] == ["new@example.com"]


def test_administrators_of_the_installation_see_the_link(
    mails: Mailbox, api: ApiFor, organisation: Organisation
) -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    OrganisationMembership.objects.create(organisation=organisation, user=root, role="OWNER")
    shown = api(root).post(URL, {"email": "new@example.com"}).json()
    assert shown["link"].endswith(mails.link)


def test_only_owners_invite_owners(
    mails: Mailbox, api: ApiFor, alice: User, bob: User, organisation: Organisation
) -> None:
    OrganisationMembership.objects.filter(user=bob).update(role="ADMIN")
    assert api(bob).post(URL, {"email": "a@example.com", "role": "OWNER"}).status_code == 403
    made = api(alice).post(URL, {"email": "a@example.com", "role": "OWNER"}).json()
    assert api(bob).delete(f"{URL}/{made['id']}").status_code == 403
    assert api(bob).post(f"{URL}/{made['id']}/send").status_code == 403
    assert api(bob).post(URL, {"email": "b@example.com"}).status_code == 201


def test_members_invite_nobody_and_outsiders_see_nothing(
    mails: Mailbox, api: ApiFor, bob: User, vera: User, charlie: User, invitation: Invitation
) -> None:
    for user in (bob, vera):
        assert api(user).post(URL, {"email": "a@example.com"}).status_code == 403
        assert api(user).get(URL).json()["count"] == 0
    for user in (bob, charlie):
        for answer in (
            api(user).get(f"{URL}/{invitation.pk}"),
            api(user).delete(f"{URL}/{invitation.pk}"),
            api(user).post(f"{URL}/{invitation.pk}/send"),
        ):
            assert answer.status_code == 404
    body = {"email": "a@example.com", "organisationId": str(invitation.organisation_id)}
    assert codes(api(charlie).post(URL, body)) == [("does_not_exist", "organisationId")]
    assert APIClient().get(URL).status_code == 401
    assert mails.sent == []


def test_an_invitation_is_sent_again_and_taken_back(
    mails: Mailbox, api: ApiFor, alice: User, invitation: Invitation
) -> None:
    before = links.invitation_token(invitation)
    assert api(alice).post(f"{URL}/{invitation.pk}/send").status_code == 202
    assert mails.token != before
    assert api(alice).delete(f"{URL}/{invitation.pk}").status_code == 204
    assert api(alice).get(f"{URL}/{invitation.pk}").status_code == 404


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, ("required", "email")),
        ({"email": "x"}, ("invalid", "email")),
        ({"email": "a@example.com", "role": "KING"}, ("invalid_choice", "role")),
        ({"email": "a@example.com", "teamId": "x"}, ("invalid", "teamId")),
        ({"email": "a@example.com", "teamId": str(uuid4())}, ("does_not_exist", "teamId")),
        ({"email": "a@example.com", "organisationId": str(uuid4())}, ("does_not_exist", "organisationId")),
        ({"email": "alice@example.com"}, ("already_member", None)),
    ],
)
def test_what_is_wrong_is_said_at_its_place(
    mails: Mailbox, api: ApiFor, alice: User, body: dict[str, str], problem: tuple[str, str | None]
) -> None:
    assert codes(api(alice).post(URL, body)) == [problem]
    assert mails.sent == []


def test_a_team_of_another_organisation_is_refused(
    mails: Mailbox, api: ApiFor, alice: User, organisation: Organisation, other_team: Team
) -> None:
    OrganisationMembership.objects.create(organisation=other_team.organisation, user=alice, role="OWNER")
    body = {"email": "a@example.com", "organisationId": str(organisation.pk), "teamId": str(other_team.pk)}
    assert codes(api(alice).post(URL, body)) == [("does_not_exist", "teamId")]
    assert codes(api(alice).post(URL, {"email": "a@example.com"})) == [("required", "organisationId")]
