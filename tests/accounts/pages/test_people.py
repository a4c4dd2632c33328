"""Tests of `accounts.pages.people`."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Invitation, Organisation, OrganisationMembership, Team, User
from tests.accounts.conftest import Mailbox
from tests.cast import PASSWORD, PageFor

URL = "/people"


@pytest.fixture
def invitation(organisation: Organisation, alice: User) -> Invitation:
    return Invitation.objects.create(organisation=organisation, email="new@example.com", role="MEMBER")


def test_an_owner_sees_people_and_invitations(
    page: PageFor, alice: User, bob: User, charlie: User, invitation: Invitation
) -> None:
    text = page(alice).get(URL).content.decode()
    for shown in ("bob@example.com", "Acme, member", "new@example.com", "Invite somebody"):
        assert shown in text
    assert "charlie@example.com" not in text


def test_a_member_only_looks(page: PageFor, alice: User, bob: User, invitation: Invitation) -> None:
    text = page(bob).get(URL).content.decode()
    assert "alice@example.com" in text
    for hidden in ("new@example.com", "Invite somebody"):
        assert hidden not in text
    person = page(bob).get(f"{URL}/{alice.pk}").content.decode()
    assert "You do not administer this account" in person
    assert 'name="active"' not in person


def test_places_elsewhere_are_not_shown(
    page: PageFor, alice: User, bob: User, other_organisation: Organisation
) -> None:
    OrganisationMembership.objects.create(user=bob, organisation=other_organisation)
    for path in (URL, f"{URL}/{bob.pk}"):
        assert "Globex" not in page(alice).get(path).content.decode()


def test_people_are_found(page: PageFor, alice: User, bob: User, vera: User) -> None:
    text = page(alice).get(f"{URL}?search=BOB").content.decode()
    assert "bob@example.com" in text
    assert "vera@example.com" not in text


def test_the_cost_does_not_grow_with_the_people(
    page: PageFor,
    alice: User,
    organisation: Organisation,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(60):
        user = User.objects.create_user(f"u{number}@example.com")
        OrganisationMembership.objects.create(user=user, organisation=organisation)
        Invitation.objects.create(organisation=organisation, email=f"i{number}@example.com", role="MEMBER")
    browser = page(alice)
    with django_assert_max_num_queries(16):
        text = browser.get(URL).content.decode()
    assert "page=2" in text


def test_an_owner_invites(mails: Mailbox, page: PageFor, alice: User, team: Team) -> None:
    fields = {"email": "New@example.com", "organisation": str(team.organisation_id), "role": "MEMBER"}
    fields |= {"team": str(team.pk), "team_role": "VIEWER"}
    browser = page(alice)
    assert browser.post(URL, fields)["Location"] == URL
    assert "was sent." in browser.get(URL).content.decode()
    assert mails.last.to == ["new@example.com"]
    assert Invitation.objects.get().team_role == "VIEWER"
    answer = browser.post(URL, {**fields, "email": "alice@example.com"})
    assert "already a member" in answer.content.decode()


def test_nobody_invites_into_what_they_do_not_rule(
    mails: Mailbox, page: PageFor, alice: User, bob: User, team: Team, other_team: Team
) -> None:
    fields = {"email": "new@example.com", "role": "MEMBER", "team_role": "VIEWER"}
    own, foreign = str(team.organisation_id), str(other_team.organisation_id)
    assert (
        "Select a valid choice" in page(alice).post(URL, {**fields, "organisation": foreign}).content.decode()
    )
    bad_team = page(alice).post(URL, {**fields, "organisation": own, "team": str(other_team.pk)})
    assert "Select a valid choice" in bad_team.content.decode()
    page(bob).post(URL, {**fields, "organisation": own})
    OrganisationMembership.objects.filter(user=bob).update(role="ADMIN")
    assert page(bob).post(URL, {**fields, "organisation": own, "role": "OWNER"}).status_code == 403
    assert not Invitation.objects.exists()
    assert mails.sent == []


def test_an_invitation_is_sent_again_and_taken_back(
    mails: Mailbox, page: PageFor, alice: User, bob: User, charlie: User, invitation: Invitation
) -> None:
    for user in (bob, charlie):
        for verb in ("send", "revoke"):
            assert page(user).post(f"/invitations/{invitation.pk}/{verb}").status_code == 404
    assert page(alice).post(f"/invitations/{invitation.pk}/send")["Location"] == URL
    assert mails.last.to == ["new@example.com"]
    assert page(alice).post(f"/invitations/{invitation.pk}/revoke")["Location"] == URL
    assert not Invitation.objects.exists()


def test_an_owner_administers(mails: Mailbox, page: PageFor, alice: User, bob: User) -> None:
    browser, url = page(alice), f"{URL}/{bob.pk}"
    assert browser.post(url, {"name": "Robert"})["Location"] == url
    assert browser.post(f"{url}/reset-password")["Location"] == url
    assert mails.last.to == [bob.email]
    assert browser.post(f"{url}/switch", {"active": "no"})["Location"] == url
    bob.refresh_from_db()
    assert (bob.name, bob.is_active) == ("Robert", False)
    assert "Disabled" in browser.get(url).content.decode()
    browser.post(f"{url}/switch", {"active": "yes"})
    bob.refresh_from_db()
    assert bob.is_active


def test_others_do_not(
    mails: Mailbox, page: PageFor, alice: User, bob: User, vera: User, charlie: User
) -> None:
    for user, status in ((bob, 403), (charlie, 404)):
        for path, fields in (("", {"name": "x"}), ("/switch", {"active": "no"}), ("/reset-password", {})):
            assert page(user).post(f"{URL}/{vera.pk}{path}", fields).status_code == status
    assert page(charlie).get(f"{URL}/{vera.pk}").status_code == 404
    vera.refresh_from_db()
    assert (vera.name, vera.is_active) == ("Vera", True)
    assert mails.sent == []


def test_administrators_see_everybody(page: PageFor, alice: User, charlie: User) -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    text = page(root).get(URL).content.decode()
    assert "alice@example.com" in text
    assert "charlie@example.com" in text
    assert page(root).post(f"{URL}/{alice.pk}", {"name": "A"}).status_code == 302


def test_it_needs_a_sign_in(client: Client, alice: User) -> None:
    for path in (URL, f"{URL}/{alice.pk}"):
        assert client.get(path)["Location"].startswith("/sign-in")
