"""Who may do what: the one place of the rules (actions by roles), for teams and for organisations.

`permission_table` says what each action covers; docs/permissions.md is written from both.
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Any

from django.db import connection

from accounts.models import RULING, AnyUser, Organisation, OrganisationMembership, Team, TeamMembership, User

Role = TeamMembership.Role
OrganisationRole = OrganisationMembership.Role

WORKING: frozenset[str] = frozenset({Role.EDITOR, Role.ADMIN})


class Action(StrEnum):
    """What can be done to the things that a team owns; ADMINISTER is about the team itself."""

    VIEW = "view"
    RUN = "run"
    CANCEL = "cancel runs"
    CHECK = "check resources"
    EDIT = "edit"
    EDIT_RESOURCES = "edit resources and environments"
    DELETE_RUNS = "delete executions"
    MEMBERS = "change its members"
    AUDIT = "read its audit log"
    ADMINISTER = "administer"


class OrganisationAction(StrEnum):
    """What can be done to an organisation; OWN is to delete it and to say who its owners are."""

    VIEW = "view"
    ADMINISTER = "administer"
    MEMBERS = "change the members of"
    AUDIT = "read the audit log of"
    OWN = "own"


ALLOWED: dict[Action, frozenset[str]] = {
    Action.VIEW: frozenset({Role.VIEWER, Role.EDITOR, Role.ADMIN}),
    Action.RUN: WORKING,
    Action.CANCEL: WORKING,
    Action.CHECK: WORKING,
    Action.EDIT: WORKING,
    Action.EDIT_RESOURCES: WORKING,
    Action.DELETE_RUNS: WORKING,
    Action.MEMBERS: frozenset({Role.ADMIN}),
    Action.AUDIT: frozenset({Role.ADMIN}),
    Action.ADMINISTER: frozenset({Role.ADMIN}),
}

ALLOWED_IN_ORGANISATION: dict[OrganisationAction, frozenset[str]] = {
    OrganisationAction.VIEW: frozenset(OrganisationRole),
    OrganisationAction.ADMINISTER: RULING,
    OrganisationAction.MEMBERS: RULING,
    OrganisationAction.AUDIT: frozenset({OrganisationRole.OWNER}),
    OrganisationAction.OWN: frozenset({OrganisationRole.OWNER}),
}


def role_sql(*, organisation: str, team: str) -> str:
    """Return SQL for the role that the user of the parameter `user` has in a team; NULL for an outsider.

    `organisation` and `team` are SQL for their ids. Written out: nearly every request asks this, and Django took 2 ms
    to put two statements of its own together.
    """
    ruling = tuple(sorted(map(str, RULING)))
    return f"""CASE WHEN EXISTS (
            SELECT 1 FROM {OrganisationMembership._meta.db_table}
            WHERE user_id = %(user)s AND organisation_id = {organisation} AND role IN {ruling}
        ) THEN 'ADMIN' ELSE (
            SELECT role FROM {TeamMembership._meta.db_table} WHERE user_id = %(user)s AND team_id = {team}
        ) END"""  # noqa: S608  # names of our own tables


_ROLE = f"SELECT {role_sql(organisation='%(organisation)s', team='%(team)s')}"


def role_in(user: AnyUser, team: Team) -> str | None:
    """Return the user's role in the team: owners and admins of its organisation are ADMIN in every team."""
    if user.is_anonymous or user.bound_team_id not in (None, team.pk):
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            _ROLE, {"user": _key(user.pk), "organisation": _key(team.organisation_id), "team": _key(team.pk)}
        )
        role: str | None = cursor.fetchone()[0]
        return role


def _key(value: uuid.UUID) -> Any:
    """Return an id as the database has it (SQLite: 32 hexadecimal digits)."""
    return User._meta.pk.get_db_prep_value(value, connection)


def may(user: AnyUser, action: Action, team: Team) -> bool:
    """Return whether the user may do `action` to what `team` owns."""
    return role_in(user, team) in ALLOWED[action]


def role_in_organisation(user: AnyUser, organisation: Organisation) -> str | None:
    """Return the user's role in the organisation, None for an outsider, and where only one team counts."""
    if user.is_anonymous or user.bound_team_id:
        return None
    own = OrganisationMembership.objects.filter(user=user, organisation=organisation)
    return own.values_list("role", flat=True).first()


def may_in_organisation(user: AnyUser, action: OrganisationAction, organisation: Organisation) -> bool:
    """Return whether the user may do `action` to the organisation."""
    return role_in_organisation(user, organisation) in ALLOWED_IN_ORGANISATION[action]


def action_for(*roles: str) -> OrganisationAction:
    """Return what giving or taking these roles in an organisation asks for: only owners make and unmake owners."""
    return OrganisationAction.OWN if OrganisationRole.OWNER in roles else OrganisationAction.MEMBERS


def teams_where(user: AnyUser, action: Action) -> set[uuid.UUID]:
    """Return the ids of the teams in which the user may do `action`, in two queries."""
    if user.is_anonymous:
        return set()
    roles = TeamMembership.objects.filter(user=user, role__in=ALLOWED[action])
    ruled = Team.objects.filter(
        organisation__memberships__user=user, organisation__memberships__role__in=RULING
    )
    found = {*roles.values_list("team_id", flat=True), *ruled.values_list("pk", flat=True)}
    return found & {user.bound_team_id} if user.bound_team_id else found


def organisations_where(user: AnyUser, action: OrganisationAction) -> set[uuid.UUID]:
    """Return the ids of the organisations to which the user may do `action`."""
    if user.is_anonymous or user.bound_team_id:
        return set()
    roles = ALLOWED_IN_ORGANISATION[action]
    own = OrganisationMembership.objects.filter(user=user, role__in=roles)
    return set(own.values_list("organisation_id", flat=True))
