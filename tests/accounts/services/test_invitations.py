"""Tests of `accounts.services.invitations`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from accounts.mail import links
from accounts.models import (
    AuditEvent,
    Invitation,
    Organisation,
    OrganisationMembership,
    Team,
    TeamMembership,
    User,
)
from accounts.services import invitations
from accounts.services import organisations as services
from tests.accounts.conftest import NEW_PASSWORD, Mailbox
from tests.cast import PASSWORD


@pytest.fixture
def request_() -> HttpRequest:
    return RequestFactory().post("/")


def invite(
    organisation: Organisation, alice: User, email: str = "new@example.com", team: Team | None = None
) -> Invitation:
    return invitations.invite(
        organisation=organisation, email=email, role="ADMIN", invited_by=alice, team=team, team_role="VIEWER"
    )


def test_a_newcomer_makes_an_account_and_is_in(
    mails: Mailbox, alice: User, organisation: Organisation, team: Team, request_: HttpRequest
) -> None:
    invitation = invite(organisation, alice, " New@Example.com", team)
    assert mails.last.to == ["new@example.com"]
    assert "Acme" in mails.last.subject
    user = invitations.accept(request=request_, token=mails.token, password=PASSWORD, name="Nora")
    assert (user.name, user.email_verified, user.check_password(PASSWORD)) == ("Nora", True, True)
    assert OrganisationMembership.objects.get(user=user).role == "ADMIN"
    assert TeamMembership.objects.get(user=user, team=team).role == "VIEWER"
    invitation.refresh_from_db()
    assert invitation.accepted_at is not None
    assert Organisation.objects.count() == 1  # no organisation of their own
    assert AuditEvent.objects.filter(action="member.invite", actor_id=alice.pk).count() == 1
    with pytest.raises(links.LinkOver):
        invitations.accept(request=request_, token=mails.token, password=PASSWORD)


def test_somebody_with_an_account_joins_with_it(
    mails: Mailbox, alice: User, charlie: User, organisation: Organisation, request_: HttpRequest
) -> None:
    invite(organisation, alice, charlie.email)
    with pytest.raises(invitations.WrongPassword):
        invitations.accept(request=request_, token=mails.token, password=NEW_PASSWORD)
    assert invitations.accept(request=request_, token=mails.token, password=PASSWORD) == charlie
    assert charlie.organisation_memberships.count() == 2


def test_a_password_on_an_unconfirmed_registration_goes(
    mails: Mailbox, alice: User, organisation: Organisation, request_: HttpRequest
) -> None:
    User.objects.create_user("new@example.com", "what mallory chose", email_verified=False)
    invite(organisation, alice)
    user = invitations.accept(request=request_, token=mails.token, password=PASSWORD, name="Nora")
    assert user.check_password(PASSWORD)
    assert user.email_verified


def test_an_account_that_is_off_stays_off(
    mails: Mailbox, alice: User, charlie: User, organisation: Organisation, request_: HttpRequest
) -> None:
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    invite(organisation, alice, charlie.email)
    with pytest.raises(invitations.SwitchedOff):
        invitations.accept(request=request_, token=mails.token, password=PASSWORD)


def test_a_weak_password_leaves_the_invitation_open(
    mails: Mailbox, alice: User, organisation: Organisation, request_: HttpRequest
) -> None:
    invite(organisation, alice)
    with pytest.raises(ValidationError):
        invitations.accept(request=request_, token=mails.token, password="new@example.com")
    assert Invitation.objects.pending().count() == 1
    assert not User.objects.filter(email="new@example.com").exists()


def test_the_one_who_is_signed_in_joins_as_themselves_alone(
    mails: Mailbox, alice: User, bob: User, charlie: User, organisation: Organisation
) -> None:
    invite(organisation, alice, charlie.email)
    with pytest.raises(links.LinkOver):
        invitations.accept_as(token=mails.token, user=bob)
    invitations.accept_as(token=mails.token, user=charlie)
    assert charlie.organisation_memberships.filter(organisation=organisation).exists()


def test_a_second_invitation_replaces_the_first(
    mails: Mailbox, alice: User, organisation: Organisation, team: Team
) -> None:
    invite(organisation, alice)
    first = mails.token
    again = invite(organisation, alice, team=team)
    assert Invitation.objects.get() == again
    assert again.team == team
    with pytest.raises(links.LinkOver):
        links.invitation_of(first)
    assert links.invitation_of(mails.token) == again


def test_sending_again_makes_it_last(mails: Mailbox, alice: User, organisation: Organisation) -> None:
    invitation = invite(organisation, alice)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert not Invitation.objects.pending().exists()
    invitations.send_again(invitation=invitation, sender=alice)
    assert links.invitation_of(mails.token) == invitation


def test_what_is_taken_back_is_over(mails: Mailbox, alice: User, organisation: Organisation) -> None:
    invitations.revoke(invitation=invite(organisation, alice), revoker=alice)
    with pytest.raises(links.LinkOver):
        links.invitation_of(mails.token)


def test_members_and_foreign_teams_are_refused(
    mails: Mailbox, alice: User, bob: User, organisation: Organisation, other_team: Team
) -> None:
    with pytest.raises(services.AlreadyMember):
        invite(organisation, alice, bob.email)
    with pytest.raises(invitations.ElsewhereTeam):
        invite(organisation, alice, team=other_team)
    assert mails.sent == []


def test_a_role_that_somebody_has_meanwhile_stays(
    mails: Mailbox, alice: User, charlie: User, organisation: Organisation
) -> None:
    invite(organisation, alice, charlie.email)
    services.add_to_organisation(organisation=organisation, user=charlie, role="MEMBER", consented=False)
    invitations.accept_as(token=mails.token, user=charlie)
    assert charlie.organisation_memberships.get(organisation=organisation).role == "MEMBER"


def test_rulers_alone_see_invitations(
    mails: Mailbox, alice: User, bob: User, charlie: User, organisation: Organisation
) -> None:
    invite(organisation, alice)
    assert [Invitation.objects.visible_to(user).count() for user in (alice, bob, charlie)] == [1, 0, 0]
