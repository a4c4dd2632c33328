"""Invitations to an organisation, and to one of its teams, by a link in a mail.

Somebody with an account joins with it; everybody else creates one on the way, and the mail has shown that the address
is theirs. Roles are checked when the invitation is created (`permissions`).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import log as audit
from accounts.mail import links
from accounts.mail import queueing as mailing
from accounts.models import Invitation, Organisation, OrganisationMembership, Team, TeamMembership, User
from accounts.models.invitations import expiry
from accounts.services import organisations as services
from accounts.transactions import held, held_whole, keep, retried


class ElsewhereTeam(Exception):
    """The team is not the organisation's."""


class WrongPassword(Exception):
    """The address has an account, and this is not its password."""


class SwitchedOff(Exception):
    """The address has an account that is disabled."""


def invite(
    *,
    organisation: Organisation,
    email: str,
    role: str,
    invited_by: User,
    team: Team | None = None,
    team_role: str = "",
) -> Invitation:
    """Create an invitation, or renew the open one for the address, and queue its mail.

    Raises services.AlreadyMember, ElsewhereTeam, and mailing.MailUnavailable (the invitation is stored: send it
    again).
    """
    if team is not None and team.organisation_id != organisation.pk:
        raise ElsewhereTeam
    place = {
        "role": role,
        "team": team,
        "team_role": (team_role or TeamMembership.Role.EDITOR) if team else "",
    }
    invitation = _write(organisation, email.strip().lower(), {**place, "invited_by": invited_by})
    mailing.ask_for_invitation(invitation_id=str(invitation.pk))
    return invitation


@retried
def _write(organisation: Organisation, address: str, place: dict[str, Any]) -> Invitation:
    held(organisation)
    keep(place["team"], place["invited_by"])
    if OrganisationMembership.objects.filter(organisation=organisation, user__email=address).exists():
        raise services.AlreadyMember
    invitation, _ = Invitation.objects.update_or_create(
        organisation=organisation,
        email=address,
        accepted_at=None,
        defaults={**place, "expires_at": expiry()},
    )
    _record("member.invite", invitation, place["invited_by"])
    return invitation


def send_again(*, invitation: Invitation, sender: User) -> None:
    """Send an open invitation again, with a new link and a new expiry; raises mailing.MailUnavailable."""
    invitation.expires_at = _renew(invitation, sender)
    mailing.ask_for_invitation(invitation_id=str(invitation.pk))


@retried
def _renew(invitation: Invitation, sender: User) -> datetime:
    still_open = _still_open(invitation)
    still_open.expires_at = expiry()
    still_open.save(update_fields=["expires_at"])
    _record("member.invite", still_open, sender)
    return still_open.expires_at


@retried
def revoke(*, invitation: Invitation, revoker: User) -> None:
    """Revoke an invitation and its link. Raises DoesNotExist if it was accepted meanwhile."""
    still_open = _still_open(invitation)
    _record("member.invite_revoke", still_open, revoker)
    still_open.delete()


def _still_open(invitation: Invitation) -> Invitation:
    """Return the invitation, locked; raise DoesNotExist if it was accepted or revoked."""
    found = held_whole(invitation)
    if found.accepted_at is not None:
        raise Invitation.DoesNotExist
    return found


def account_of(invitation: Invitation) -> User | None:
    """Return the account of the invited address, if there is one and its address is confirmed."""
    return User.objects.filter(email=invitation.email, email_verified=True).first()


def accept(*, request: HttpRequest, token: str, password: str, name: str = "") -> User:
    """Join with the account of the invited address, or create it with this password and name.

    Raises links.LinkOver, WrongPassword, SwitchedOff, and ValidationError if a new password is too weak.
    """
    invitation = links.invitation_of(token)
    known = account_of(invitation)
    if known is None:
        validate_password(password, User(email=invitation.email, name=name))
    elif authenticate(request, username=known.email, password=password) is None:
        raise WrongPassword if known.is_active else SwitchedOff
    return _take_up(token, known, password, name)


@retried
def _take_up(token: str, known: User | None, password: str, name: str) -> User:
    invitation = _held(token)
    user = known or _new_account(invitation.email, password, name)
    _join(invitation, user)
    return user


@retried
def accept_as(*, token: str, user: User) -> None:
    """Join as the signed-in user, whose address the invitation is for; raises LinkOver."""
    invitation = _held(token)
    if invitation.email != user.email:
        raise links.LinkOver
    _join(invitation, user)


def _held(token: str) -> Invitation:
    """Return the invitation, locked after its organisation and team, so that it is accepted only once."""
    found = links.invitation_of(token)
    held(found.organisation)
    if found.team is not None:
        held(found.team)
    Invitation.objects.select_for_update().filter(pk=found.pk).first()
    return links.invitation_of(token)


def _new_account(email: str, password: str, name: str) -> User:
    # A registration that nobody has confirmed may be anybody's: its password goes.
    user, _ = User.objects.select_for_update().get_or_create(email=email)
    if not user.is_active:
        raise SwitchedOff
    user.name, user.email_verified = name, True
    user.set_password(password)
    user.save()
    audit.record(actor=user, action="account.register", target=user)
    return user


def _join(invitation: Invitation, user: User) -> None:
    with suppress(services.AlreadyMember):  # somebody added them meanwhile: their role there stands
        services.add_to_organisation(
            organisation=invitation.organisation, user=user, role=invitation.role, consented=True
        )
    invitation.organisation.memberships.filter(user=user).update(consented=True)
    if invitation.team is not None:
        with suppress(services.AlreadyMember):
            services.add_to_team(team=invitation.team, user=user, role=invitation.team_role)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])


def _record(action: str, invitation: Invitation, actor: User) -> None:
    audit.record(
        actor=actor,
        action=action,
        organisation=invitation.organisation,
        target=invitation,
        detail={"email": invitation.email, "role": invitation.role},
    )
