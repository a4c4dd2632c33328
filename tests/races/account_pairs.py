"""Pairs about organisations, teams, their people and what these carry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts import links, tokens
from accounts.invitation_models import expiry
from accounts.links import Purpose
from accounts.models import Invitation, Organisation, OrganisationMembership, Team, TeamMembership, User
from accounts.token_models import ApiToken
from resources.limit_models import OrganisationLimits
from tests.cast import PASSWORD
from tests.races.racing import Answer, api
from tests.races.rounds import Round, pair
from tests.races.stage import Role, Stage, events, exists

TeamRole = TeamMembership.Role
ANOTHER = "another horse, battery and staple"


def once(action: str, target: Any, *answers: Answer) -> None:
    """Check that exactly one request did it, with one event; the others found it gone."""
    assert sum(each.ok for each in answers) == 1, answers
    assert events(action, target) == 1


def gone_or_changed(row: Any, deleted: Answer) -> None:
    """Check that what was deleted stays away."""
    assert exists(row) is not deleted.ok


# --- organisations --------------------------------------------------------------------------------


@pair("organisation DELETE, organisation DELETE")
def organisation_twice(at: Stage) -> Round:
    made = at.new_organisation()
    ask = at.ask("DELETE", f"organisations/{made.pk}")
    return Round(ask, ask, lambda a, b: once("organisation.delete", made, a, b))


@pair("organisation DELETE, team POST")
def organisation_and_team(at: Stage) -> Round:
    made = at.new_organisation()
    delete = at.ask("DELETE", f"organisations/{made.pk}")
    post = at.ask("POST", "teams", {"name": "A team", "organisationId": str(made.pk)})

    def check(deleted: Answer, posted: Answer) -> None:
        assert deleted.ok is not posted.ok, (deleted, posted)
        assert Team.objects.filter(organisation=made).exists() is posted.ok

    return Round(delete, post, check)


@pair("organisation DELETE, organisation PATCH")
def organisation_and_rename(at: Stage) -> Round:
    made = at.new_organisation()
    delete = at.ask("DELETE", f"organisations/{made.pk}")
    patch = at.ask("PATCH", f"organisations/{made.pk}", {"name": at.name("Renamed")})
    return Round(delete, patch, lambda deleted, _: gone_or_changed(made, deleted))


@pair("organisation DELETE, member POST")
def organisation_and_member(at: Stage) -> Round:
    made = at.new_organisation()
    delete = at.ask("DELETE", f"organisations/{made.pk}")
    post = at.ask("POST", f"organisations/{made.pk}/members", {"userId": str(at.bob.pk), "role": "MEMBER"})
    return Round(delete, post, lambda deleted, _: gone_or_changed(made, deleted))


@pair("organisation DELETE, limits PATCH")
def organisation_and_limits(at: Stage) -> Round:
    made = at.new_organisation()
    User.objects.filter(pk=at.alice.pk).update(is_staff=True, is_superuser=True)
    delete = at.ask("DELETE", f"organisations/{made.pk}")
    patch = at.ask("PATCH", f"organisations/{made.pk}/limits", {"rows": 7})

    def check(deleted: Answer, _: Answer) -> None:
        gone_or_changed(made, deleted)
        assert not (deleted.ok and OrganisationLimits.objects.filter(pk=made.pk).exists())

    return Round(delete, patch, check)


@pair("limits PATCH, limits PATCH")
def limits_twice(at: Stage) -> Round:
    made = at.new_organisation()
    User.objects.filter(pk=at.alice.pk).update(is_staff=True, is_superuser=True)
    first = at.ask("PATCH", f"organisations/{made.pk}/limits", {"rows": 7})
    second = at.ask("PATCH", f"organisations/{made.pk}/limits", {"messages": 8})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok
        assert b.ok
        assert OrganisationLimits.objects.filter(pk=made.pk, rows=7, messages=8).exists()

    return Round(first, second, check)


@pair("organisation POST, organisation POST")
def organisations_of_a_name(at: Stage) -> Round:
    name = at.name("Same")
    ask = at.ask("POST", "organisations", {"name": name})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok, (a, b)
        assert Organisation.objects.filter(name=name).count() == 1

    return Round(ask, ask, check)


@pair("owner removes themselves, the other owner too")
def last_owner(at: Stage) -> Round:
    made = at.new_organisation()
    OrganisationMembership.objects.create(organisation=made, user=at.bob, role=Role.OWNER)
    first, second = (
        api(each, "DELETE", f"organisations/{made.pk}/members/{each.pk}") for each in (at.alice, at.bob)
    )

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok, (a, b)
        assert made.memberships.filter(role=Role.OWNER).count() == 1

    return Round(first, second, check)


@pair("owner steps down, the other owner is removed")
def last_owner_steps_down(at: Stage) -> Round:
    made = at.new_organisation()
    OrganisationMembership.objects.create(organisation=made, user=at.bob, role=Role.OWNER)
    down = at.ask("PATCH", f"organisations/{made.pk}/members/{at.alice.pk}", {"role": "MEMBER"})
    leave = api(at.bob, "DELETE", f"organisations/{made.pk}/members/{at.bob.pk}")

    def check(*_: Answer) -> None:
        assert made.memberships.filter(role=Role.OWNER).exists()

    return Round(down, leave, check)


@pair("member DELETE, member DELETE")
def member_twice(at: Stage) -> Round:
    user = at.member()
    ask = at.ask("DELETE", f"organisations/{at.organisation.pk}/members/{user.pk}")
    return Round(ask, ask, lambda a, b: once("member.remove", user, a, b))


@pair("member DELETE, member PATCH")
def member_removed_and_changed(at: Stage) -> Round:
    user = at.member()
    path = f"organisations/{at.organisation.pk}/members/{user.pk}"

    def check(removed: Answer, _: Answer) -> None:
        assert at.organisation.memberships.filter(user=user).exists() is not removed.ok

    return Round(at.ask("DELETE", path), at.ask("PATCH", path, {"role": "ADMIN"}), check)


@pair("member DELETE, team member POST")
def member_removed_and_placed(at: Stage) -> Round:
    user, team = at.member(), at.new_team()
    remove = at.ask("DELETE", f"organisations/{at.organisation.pk}/members/{user.pk}")
    place = at.ask("POST", f"teams/{team.pk}/members", {"userId": str(user.pk), "role": "VIEWER"})

    def check(removed: Answer, _: Answer) -> None:
        assert removed.ok
        assert not TeamMembership.objects.filter(user=user).exists()

    return Round(remove, place, check)


@pair("member POST, member POST")
def member_added_twice(at: Stage) -> Round:
    made = at.new_organisation()
    ask = at.ask("POST", f"organisations/{made.pk}/members", {"userId": str(at.bob.pk), "role": "MEMBER"})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok
        assert made.memberships.count() == 2

    return Round(ask, ask, check)


# --- teams ----------------------------------------------------------------------------------------


@pair("team DELETE, team DELETE")
def team_twice(at: Stage) -> Round:
    made = at.new_team()
    ask = at.ask("DELETE", f"teams/{made.pk}")
    return Round(ask, ask, lambda a, b: once("team.delete", made, a, b))


@pair("team DELETE, team PATCH")
def team_and_rename(at: Stage) -> Round:
    made = at.new_team()
    patch = at.ask("PATCH", f"teams/{made.pk}", {"name": at.name("Renamed"), "keepResultsDays": 3})
    return Round(
        at.ask("DELETE", f"teams/{made.pk}"), patch, lambda deleted, _: gone_or_changed(made, deleted)
    )


@pair("team PATCH, team PATCH")
def team_changed_twice(at: Stage) -> Round:
    made = at.new_team()
    first = at.ask("PATCH", f"teams/{made.pk}", {"keepResultsDays": 3})
    second = at.ask("PATCH", f"teams/{made.pk}", {"name": at.name("Renamed")})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok
        assert b.ok
        made.refresh_from_db()
        assert made.keep_results_days == 3
        assert made.name.startswith("Renamed")

    return Round(first, second, check)


@pair("team POST, team POST")
def teams_of_a_name(at: Stage) -> Round:
    name = at.name("Same")
    ask = at.ask("POST", "teams", {"name": name, "organisationId": str(at.organisation.pk)})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok
        assert at.organisation.teams.filter(name=name).count() == 1

    return Round(ask, ask, check)


@pair("team DELETE, team member POST")
def team_and_member(at: Stage) -> Round:
    made = at.new_team()
    post = at.ask("POST", f"teams/{made.pk}/members", {"userId": str(at.bob.pk), "role": "VIEWER"})
    return Round(
        at.ask("DELETE", f"teams/{made.pk}"), post, lambda deleted, _: gone_or_changed(made, deleted)
    )


@pair("team member DELETE, team member PATCH")
def team_member_removed_and_changed(at: Stage) -> Round:
    user = at.member()
    path = f"teams/{at.team.pk}/members/{user.pk}"

    def check(removed: Answer, _: Answer) -> None:
        assert at.team.memberships.filter(user=user).exists() is not removed.ok

    return Round(at.ask("DELETE", path), at.ask("PATCH", path, {"role": "EDITOR"}), check)


@pair("team member DELETE, team member DELETE")
def team_member_twice(at: Stage) -> Round:
    user = at.member()
    ask = at.ask("DELETE", f"teams/{at.team.pk}/members/{user.pk}")
    return Round(ask, ask, lambda a, b: once("member.remove", user, a, b))


@pair("team DELETE, token POST")
def team_and_token(at: Stage) -> Round:
    made, name = at.new_team(), at.name("Token")
    post = at.ask("POST", "tokens", {"name": name, "scopes": ["READ"], "teamId": str(made.pk)})

    def check(deleted: Answer, _: Answer) -> None:
        gone_or_changed(made, deleted)
        assert not (deleted.ok and ApiToken.objects.filter(name=name).exists())

    return Round(at.ask("DELETE", f"teams/{made.pk}"), post, check)


@pair("team DELETE, invitation POST")
def team_and_invitation(at: Stage) -> Round:
    made = at.new_team()
    body = {
        "email": f"{at.name('guest').replace(' ', '')}@x.example",
        "organisationId": str(at.organisation.pk),
    }
    post = at.ask("POST", "invitations", {**body, "teamId": str(made.pk)})
    return Round(
        at.ask("DELETE", f"teams/{made.pk}"), post, lambda deleted, _: gone_or_changed(made, deleted)
    )


# --- tokens, invitations, accounts ----------------------------------------------------------------


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
