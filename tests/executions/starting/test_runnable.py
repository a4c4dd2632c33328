"""Tests of `runnable`: it agrees with `visible_to` and `role_in`, for every user and every flow."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import OrganisationMembership, Team, TeamMembership, User, new_id
from accounts.permissions import role_in
from executions.starting.runnable import find_runnable
from flows.documents.document import check_document
from flows.models import Flow
from flows.services import create_flow, save_version
from tests.cast import join
from tests.executions.driving import delay


def flow_of(team: Team, name: str = "f") -> Flow:
    document = check_document({"name": name, "steps": [delay("a")]})
    return create_flow(team=team, user=None, document=document)


@pytest.fixture
def flows(team: Team, other_team: Team) -> list[Flow]:
    """Of the team, of another team of the organisation, of another organisation, and a deleted one."""
    beside = Team.objects.create(organisation=team.organisation, name="Beside")
    deleted = flow_of(team, "deleted")
    Flow.objects.filter(pk=deleted.pk).update(deleted_at=timezone.now())
    return [flow_of(team), flow_of(beside), flow_of(other_team), deleted]


def test_who_may_see_what(flows: list[Flow], alice: User, bob: User, vera: User, charlie: User) -> None:
    # One of the organisation without a team, and one who has two roles in the team.
    nobody = join("nobody", flows[0].team, OrganisationMembership.Role.MEMBER, TeamMembership.Role.VIEWER)
    TeamMembership.objects.filter(user=nobody).delete()
    both = join("both", flows[0].team, OrganisationMembership.Role.ADMIN, TeamMembership.Role.VIEWER)
    bound = User.objects.get(pk=alice.pk)
    bound.bound_team_id = flows[1].team_id
    seen = 0
    for user in (alice, bob, vera, charlie, nobody, both, bound):
        for flow in flows:
            found = find_runnable(user, flow.pk, None)
            visible = Flow.objects.visible_to(user).alive().filter(pk=flow.pk).exists()
            assert (found is not None) == visible, (user, flow)
            if found is not None:
                seen += 1
                assert (found.team, found.role) == (flow.team, role_in(user, flow.team))
    assert seen == 8  # alice and both 2 each, bob, vera, charlie and bound 1 each


def test_unknown_flows_and_people(flows: list[Flow], alice: User) -> None:
    assert find_runnable(alice, new_id(), None) is None
    assert find_runnable(AnonymousUser(), flows[0].pk, None) is None


def test_the_version_meant(flows: list[Flow], alice: User) -> None:
    flow = flows[0]
    document = check_document({"name": "f", "steps": [delay("b")]})
    save_version(flow=flow, user=alice, document=document)
    numbers = []
    for number in (None, 1, 2, 3):
        found = find_runnable(alice, flow.pk, number)
        assert found is not None
        numbers.append(found.version and found.version.number)
    assert numbers == [2, 1, 2, None]


def test_columns_that_were_not_read_can_be_loaded(flows: list[Flow], alice: User) -> None:
    found = find_runnable(alice, flows[0].pk, None)
    assert found is not None
    assert found.version is not None
    assert found.version.flow == flows[0]
    assert (found.version.flow.name, found.version.flow.team) == ("f", found.team)
    assert found.version.document["name"] == "f"
    assert found.team.organisation == flows[0].team.organisation
