"""Tests of `accounts.permissions`: the whole table, written out once more."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.api.serializers import TeamSerializer
from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User
from accounts.permissions import Action, OrganisationAction, may, may_in_organisation, role_in
from accounts.selectors import teams_of

EVERYTHING = set(Action)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("VIEWER", {Action.VIEW}),
        ("EDITOR", EVERYTHING - {Action.MEMBERS, Action.AUDIT, Action.ADMINISTER}),
        ("ADMIN", EVERYTHING),
        (None, set()),
    ],
)
def test_team_roles(bob: User, team: Team, role: str | None, allowed: set[Action]) -> None:
    TeamMembership.objects.filter(user=bob).delete()
    if role:
        TeamMembership.objects.create(user=bob, team=team, role=role)
    assert {action for action in Action if may(bob, action, team)} == allowed


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("MEMBER", {OrganisationAction.VIEW}),
        ("ADMIN", set(OrganisationAction) - {OrganisationAction.AUDIT, OrganisationAction.OWN}),
        ("OWNER", set(OrganisationAction)),
        (None, set()),
    ],
)
def test_organisation_roles(
    bob: User, organisation: Organisation, role: str | None, allowed: set[OrganisationAction]
) -> None:
    OrganisationMembership.objects.filter(user=bob).delete()
    if role:
        OrganisationMembership.objects.create(user=bob, organisation=organisation, role=role)
    granted = {action for action in OrganisationAction if may_in_organisation(bob, action, organisation)}
    assert granted == allowed


@pytest.mark.parametrize("role", ["OWNER", "ADMIN"])
def test_who_rules_the_organisation_rules_its_teams(bob: User, team: Team, role: str) -> None:
    TeamMembership.objects.filter(user=bob).update(role="VIEWER")
    OrganisationMembership.objects.filter(user=bob).update(role=role)
    assert {action for action in Action if may(bob, action, team)} == EVERYTHING


def test_outsiders_and_anonymous_may_nothing(charlie: User, team: Team, organisation: Organisation) -> None:
    for user in (charlie, AnonymousUser()):
        assert not any(may(user, action, team) for action in Action)
        assert not any(may_in_organisation(user, action, organisation) for action in OrganisationAction)


def test_selectors_show_the_role_that_the_rules_use(alice: User, bob: User, vera: User, team: Team) -> None:
    TeamMembership.objects.filter(user=alice).delete()
    for user in (alice, bob, vera):
        (shown,) = TeamSerializer(teams_of(user), many=True).data
        assert shown["role"] == role_in(user, team)


@pytest.mark.parametrize("action", list(Action))
def test_ids_permitting_agrees_with_may(
    alice: User, bob: User, vera: User, charlie: User, team: Team, other_team: Team, action: Action
) -> None:
    for user in (alice, bob, vera, charlie):
        wanted = {each.pk for each in (team, other_team) if may(user, action, each)}
        assert Team.objects.ids_permitting(user, action) == wanted
    assert Team.objects.ids_permitting(AnonymousUser(), action) == set()
