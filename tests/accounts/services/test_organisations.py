"""Tests of `accounts.services.organisations` that the REST tests do not reach."""

from __future__ import annotations

import pytest

from accounts.models import Organisation, OrganisationMembership, Team, User
from accounts.services import organisations as services


def test_a_taken_name_leaves_nothing_behind(alice: User, organisation: Organisation, team: Team) -> None:
    with pytest.raises(services.NameTaken):
        services.create_organisation(name="Acme", owner=alice)
    with pytest.raises(services.NameTaken):
        services.create_team(organisation=organisation, name="Checkout", creator=alice)
    assert Organisation.objects.count() == Team.objects.count() == 1


def test_one_of_two_owners_may_go(alice: User, bob: User) -> None:
    OrganisationMembership.objects.update(role="OWNER")
    services.remove_from_organisation(member=OrganisationMembership.objects.get(user=alice))
    with pytest.raises(services.LastOwner):
        services.remove_from_organisation(member=OrganisationMembership.objects.get(user=bob))


def test_an_owner_may_be_made_an_owner_again(alice: User) -> None:
    member = OrganisationMembership.objects.get(user=alice)
    services.change_organisation_role(member=member, role="OWNER")
    assert member.role == "OWNER"


def test_a_team_takes_members_of_its_organisation_alone(team: Team, charlie: User) -> None:
    with pytest.raises(services.NotInOrganisation):
        services.add_to_team(team=team, user=charlie, role="VIEWER")
