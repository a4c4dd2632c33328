"""The rules of `roles` as tables, for the documentation and the pages: one row per action, one column per role."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from accounts.roles import (
    ALLOWED,
    ALLOWED_IN_ORGANISATION,
    Action,
    OrganisationAction,
    OrganisationRole,
    TeamRole,
)

#: What each action covers, in words. A new action without words here fails a test.
TEAM_WORDS = {
    Action.VIEW: "See flows, runs, resources, environments (never a secret), suites, schedules; export flows",
    Action.RUN: "Run flows, drafts and suites; run again; try a step",
    Action.CANCEL: "Cancel runs",
    Action.CHECK: "Check that a resource answers",
    Action.EDIT: "Create, change, restore, import and delete flows, suites, schedules, triggers and notifications",
    Action.EDIT_RESOURCES: "Create, change and delete resources and environments; set secrets (nobody can read them)",
    Action.DELETE_RUNS: "Delete runs that are over",
    Action.MEMBERS: "Add and remove members of the team, change their roles",
    Action.AUDIT: "Read and export the team's audit log",
    Action.ADMINISTER: "Rename the team; delete it with everything that it owns",
}
ORGANISATION_WORDS = {
    OrganisationAction.VIEW: "See the organisation, its members and its limits",
    OrganisationAction.ADMINISTER: "Rename it; make teams; be ADMIN in each of its teams",
    OrganisationAction.MEMBERS: "Invite, add and remove members, change their roles (not owners)",
    OrganisationAction.AUDIT: "Read and export the audit log of the organisation and of all its teams",
    OrganisationAction.OWN: "Make and unmake owners; delete the organisation",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One action in words, and for each role whether it may."""

    words: str
    allowed: list[bool]


@dataclass(frozen=True, slots=True)
class Table:
    """Roles, from the least to the most, and the rows."""

    roles: list[str]
    rows: list[Row]


def team_table() -> Table:
    """Return what each role may do in a team."""
    roles = [TeamRole.VIEWER, TeamRole.EDITOR, TeamRole.ADMIN]
    return _table(roles, ((TEAM_WORDS[action], ALLOWED[action]) for action in Action))


def organisation_table() -> Table:
    """Return what each role may do to an organisation."""
    roles = [OrganisationRole.MEMBER, OrganisationRole.ADMIN, OrganisationRole.OWNER]
    rows = ((ORGANISATION_WORDS[each], ALLOWED_IN_ORGANISATION[each]) for each in OrganisationAction)
    return _table(roles, rows)


def markdown(table: Table) -> str:
    """Return the table as Markdown."""
    head = ["", *table.roles]
    body = [[row.words, *("yes" if may else "" for may in row.allowed)] for row in table.rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _table(roles: Iterable[StrEnum | str], rows: Iterable[tuple[str, Collection[str]]]) -> Table:
    names = [str(role) for role in roles]
    return Table(names, [Row(words, [name in allowed for name in names]) for words, allowed in rows])
