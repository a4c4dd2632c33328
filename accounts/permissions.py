"""Who may do what: the questions about one user and one team or organisation.

The rules themselves are in `roles`, and their names can be imported from here. `ids_permitting` of teams and
organisations answers the same question for all of them at once.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection

from accounts.models import AnyUser, Organisation, OrganisationMembership, Team, TeamMembership, User
from accounts.roles import (
    ALLOWED,
    ALLOWED_IN_ORGANISATION,
    RULING,
    Action,
    OrganisationAction,
    OrganisationRole,
    TeamRole,
    action_for,
)

Role = TeamRole

__all__ = [
    "Action",
    "OrganisationAction",
    "OrganisationRole",
    "Role",
    "action_for",
    "may",
    "may_in_organisation",
    "role_in",
    "role_in_organisation",
    "role_sql",
]


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
