"""Pairs about accounts: tokens, passwords, links in mails, invitations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.mail import links
from accounts.mail.links import Purpose
from accounts.models import ApiToken, Invitation, OrganisationMembership, Team, User
from accounts.models.invitations import expiry
from accounts.services import tokens
from tests.cast import PASSWORD
from tests.races.racing import Answer, api
from tests.races.rounds import Round, gone_or_changed, once, pair
from tests.races.stage import Role, Stage, events

ANOTHER = "another horse, battery and staple"


def _token(at: Stage, user: User) -> ApiToken:
    token, _ = tokens.create_token(
        user=user, name=at.name("Token"), scopes=["READ"], expires_at=timezone.now() + timedelta(days=1)
    )
    return token


@pair("token DELETE, token DELETE")
def token_twice(at: Stage) -> Round:
    token = _token(at, at.alice)
    ask = at.ask("DELETE", f"tokens/{token.pk}")
    return Round(ask, ask, lambda a, b: once("token.revoke", token, a, b))


@pair("token DELETE, token PATCH")
def token_revoked_and_renamed(at: Stage) -> Round:
    token = _token(at, at.alice)
    path = f"tokens/{token.pk}"
    patch = at.ask("PATCH", path, {"name": "Renamed"})
    return Round(at.ask("DELETE", path), patch, lambda deleted, _: gone_or_changed(token, deleted))


@pair("password POST, token POST")
def password_and_token(at: Stage) -> Round:
    user = at.member()
    body = {"currentPassword": PASSWORD, "newPassword": ANOTHER}
    change = api(user, "POST", "profile/password", body)
    make = api(user, "POST", "tokens", {"name": "Token", "scopes": ["READ"]})

    def check(changed: Answer, made: Answer) -> None:
        assert changed.ok
        # One that came wholly later is its own; one that came before the change went with it.
        before = ApiToken.objects.filter(user=user).exists()
        assert not (before and not made.ok)

    return Round(change, make, check)


@pair("password POST, password POST")
def password_twice(at: Stage) -> Round:
    user = at.member()
    body = {"currentPassword": PASSWORD, "newPassword": ANOTHER}
    ask = api(user, "POST", "profile/password", body)
    return Round(ask, ask, lambda a, b: once("account.password_change", user, a, b))


@pair("reset link, reset link")
def reset_twice(at: Stage) -> Round:
    user = at.member()
    body = {"token": links.token_for(Purpose.RESET, user), "password": ANOTHER}
    ask = api(None, "POST", "auth/reset-password", body)
    return Round(ask, ask, lambda a, b: once("account.password_reset", user, a, b))


@pair("confirmation link, confirmation link")
def confirmed_twice(at: Stage) -> Round:
    user = at.member()
    User.objects.filter(pk=user.pk).update(email_verified=False)
    user.refresh_from_db()
    ask = api(None, "POST", "auth/verify-email", {"token": links.token_for(Purpose.CONFIRM, user)})
    return Round(ask, ask, lambda a, b: once("account.confirm_address", user, a, b))


def _invitation(at: Stage, user: User | None = None, team: Team | None = None) -> Invitation:
    return Invitation.objects.create(
        organisation=team.organisation if team else at.new_organisation(),
        team=team,
        team_role="VIEWER" if team else "",
        email=user.email if user else f"{at.name('guest').replace(' ', '')}@nowhere.example",
        role=Role.MEMBER,
        invited_by=at.alice,
        expires_at=expiry(),
    )


def _accept(invitation: Invitation) -> Any:
    body = {"token": links.invitation_token(invitation), "password": PASSWORD, "name": "Guest"}
    return api(None, "POST", "auth/accept-invitation", body)


@pair("invitation accepted, invitation accepted")
def accepted_twice(at: Stage) -> Round:
    invitation = _invitation(at)
    ask = _accept(invitation)

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok
        assert OrganisationMembership.objects.filter(user__email=invitation.email).count() == 1

    return Round(ask, ask, check)


@pair("invitation DELETE, invitation accepted")
def revoked_and_accepted(at: Stage) -> Round:
    invitation = _invitation(at)
    delete = at.ask("DELETE", f"invitations/{invitation.pk}")

    def check(revoked: Answer, accepted: Answer) -> None:
        assert revoked.ok is not accepted.ok, (revoked, accepted)
        joined = OrganisationMembership.objects.filter(user__email=invitation.email).exists()
        assert joined is accepted.ok

    return Round(delete, _accept(invitation), check)


@pair("invitation DELETE, invitation DELETE")
def invitation_twice(at: Stage) -> Round:
    invitation = _invitation(at)
    ask = at.ask("DELETE", f"invitations/{invitation.pk}")
    return Round(ask, ask, lambda a, b: once("member.invite_revoke", invitation, a, b))


@pair("invitation DELETE, invitation sent again")
def revoked_and_sent(at: Stage) -> Round:
    invitation = _invitation(at)
    delete = at.ask("DELETE", f"invitations/{invitation.pk}")
    send = at.ask("POST", f"invitations/{invitation.pk}/send")
    return Round(delete, send, lambda deleted, _: gone_or_changed(invitation, deleted))


@pair("invitation POST, invitation POST")
def invited_twice(at: Stage) -> Round:
    made = at.new_organisation()
    body = {"email": f"{at.name('guest').replace(' ', '')}@x.example", "organisationId": str(made.pk)}
    ask = at.ask("POST", "invitations", body)

    def check(a: Answer, b: Answer) -> None:
        assert a.ok
        assert b.ok
        assert made.invitations.count() == 1

    return Round(ask, ask, check)


@pair("organisation DELETE, invitation accepted")
def organisation_and_acceptance(at: Stage) -> Round:
    invitation = _invitation(at)
    delete = at.ask("DELETE", f"organisations/{invitation.organisation_id}")
    return Round(
        delete, _accept(invitation), lambda deleted, _: gone_or_changed(invitation.organisation, deleted)
    )


@pair("team DELETE, invitation accepted")
def team_and_acceptance(at: Stage) -> Round:
    team = at.new_team()
    invitation = _invitation(at, team=team)
    delete = at.ask("DELETE", f"teams/{team.pk}")
    return Round(delete, _accept(invitation), lambda deleted, _: gone_or_changed(team, deleted))


@pair("member POST, invitation accepted")
def added_and_accepted(at: Stage) -> Round:
    made, user = at.new_organisation(), at.member()
    invitation = Invitation.objects.create(
        organisation=made, email=user.email, role=Role.MEMBER, invited_by=at.alice, expires_at=expiry()
    )
    add = at.ask("POST", f"organisations/{made.pk}/members", {"userId": str(user.pk), "role": "MEMBER"})

    def check(_: Answer, accepted: Answer) -> None:
        assert accepted.ok
        assert made.memberships.filter(user=user).count() == 1

    return Round(add, _accept(invitation), check)


@pair("user switched off, user switched off")
def switched_twice(at: Stage) -> Round:
    user = at.member()
    ask = at.ask("PATCH", f"users/{user.pk}", {"isActive": False})

    def check(*_: Answer) -> None:
        user.refresh_from_db()
        assert (user.is_active, user.session_epoch) == (False, 1)
        assert events("account.switch_off", user) == 1

    return Round(ask, ask, check)


@pair("user renamed, user switched off")
def renamed_and_switched(at: Stage) -> Round:
    user = at.member()
    first = at.ask("PATCH", f"users/{user.pk}", {"name": "Renamed"})
    second = at.ask("PATCH", f"users/{user.pk}", {"isActive": False})

    def check(*_: Answer) -> None:
        user.refresh_from_db()
        assert (user.name, user.is_active) == ("Renamed", False)

    return Round(first, second, check)
