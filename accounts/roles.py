"""The rules: which roles there are, which actions, and which role may do which. No queries, no models.

`permissions` answers the questions about a user; `permission_table` says in words what each action covers.
docs/permissions.md is written from both.
"""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices


class OrganisationRole(TextChoices):
    """What a member may do to the organisation."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"


class TeamRole(TextChoices):
    """What a member may do to what the team owns."""

    ADMIN = "ADMIN"
    EDITOR = "EDITOR"
    VIEWER = "VIEWER"


#: Whoever has one of these in an organisation is ADMIN of each of its teams.
RULING: frozenset[str] = frozenset({OrganisationRole.OWNER, OrganisationRole.ADMIN})
#: Whoever has one of these in a team may change what it owns.
WORKING: frozenset[str] = frozenset({TeamRole.EDITOR, TeamRole.ADMIN})


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
    Action.VIEW: frozenset(TeamRole),
    Action.RUN: WORKING,
    Action.CANCEL: WORKING,
    Action.CHECK: WORKING,
    Action.EDIT: WORKING,
    Action.EDIT_RESOURCES: WORKING,
    Action.DELETE_RUNS: WORKING,
    Action.MEMBERS: frozenset({TeamRole.ADMIN}),
    Action.AUDIT: frozenset({TeamRole.ADMIN}),
    Action.ADMINISTER: frozenset({TeamRole.ADMIN}),
}

ALLOWED_IN_ORGANISATION: dict[OrganisationAction, frozenset[str]] = {
    OrganisationAction.VIEW: frozenset(OrganisationRole),
    OrganisationAction.ADMINISTER: RULING,
    OrganisationAction.MEMBERS: RULING,
    OrganisationAction.AUDIT: frozenset({OrganisationRole.OWNER}),
    OrganisationAction.OWN: frozenset({OrganisationRole.OWNER}),
}


def action_for(*roles: str) -> OrganisationAction:
    """Return the action that giving or taking these roles in an organisation needs: OWN where one is OWNER."""
    return OrganisationAction.OWN if OrganisationRole.OWNER in roles else OrganisationAction.MEMBERS
