"""Who may do what: the one table of rules (actions × team roles)."""

from __future__ import annotations

from enum import StrEnum

from accounts.models import AnyUser, OrganisationMembership, Team, TeamMembership

Role = TeamMembership.Role


class Action(StrEnum):
    """What can be done to the things that a team owns."""

    VIEW = "view"
    RUN = "run"
    EDIT = "edit"
    ADMINISTER = "administer"


ALLOWED: dict[Action, frozenset[str]] = {
    Action.VIEW: frozenset({Role.VIEWER, Role.EDITOR, Role.ADMIN}),
    Action.RUN: frozenset({Role.EDITOR, Role.ADMIN}),
    Action.EDIT: frozenset({Role.EDITOR, Role.ADMIN}),
    Action.ADMINISTER: frozenset({Role.ADMIN}),
}


def role_in(user: AnyUser, team: Team) -> str | None:
    """Return the user's role in the team: owners and admins of its organisation are ADMIN in every team."""
    if user.is_anonymous:
        return None
    rules = OrganisationMembership.objects.filter(
        user=user,
        organisation=team.organisation_id,
        role__in=[OrganisationMembership.Role.OWNER, OrganisationMembership.Role.ADMIN],
    )
    if rules.exists():
        return Role.ADMIN
    return TeamMembership.objects.filter(user=user, team=team).values_list("role", flat=True).first()


def may(user: AnyUser, action: Action, team: Team) -> bool:
    """Return whether the user may do `action` to what `team` owns."""
    return role_in(user, team) in ALLOWED[action]
