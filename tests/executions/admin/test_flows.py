"""Running flows from the admin's list."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from executions.models import Execution
from executions.states import Source
from flows.models import Flow
from flows.selectors import check_for_team
from flows.services import create_flow, delete_flow
from tests.cast import PageFor

pytestmark = pytest.mark.django_db
LIST = reverse("admin:flows_flow_changelist")


def make_flow(team: Team, **more: Any) -> Flow:
    raw = {"name": "Nothing to do", "steps": [], **more}
    return create_flow(team=team, user=None, document=check_for_team(team, raw))


def run(client: Client, flow: Flow) -> str:
    response = client.post(LIST, {"action": "run", "_selected_action": [str(flow.pk)]}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def staff(page: PageFor, bob: User) -> Client:
    bob.is_staff = True
    bob.save()
    return page(bob)


def grant(user: User) -> None:
    user.user_permissions.add(Permission.objects.get(codename="view_flow"))


def test_it_starts_the_newest_version(staff: Client, team: Team, bob: User) -> None:
    grant(bob)
    flow = make_flow(team)
    assert "started" in run(staff, flow)
    execution = Execution.objects.get(flow=flow)
    assert (execution.source, execution.user, execution.flow_version) == (Source.ADMIN, bob, 1)


def test_it_says_what_is_missing(staff: Client, team: Team, bob: User) -> None:
    grant(bob)
    flow = make_flow(team, variables=[{"name": "must", "type": "string", "required": True}])
    assert "must is required" in run(staff, flow)
    assert not Execution.objects.exists()


def test_a_deleted_flow_is_not_run(staff: Client, team: Team, bob: User) -> None:
    grant(bob)
    flow = make_flow(team)
    delete_flow(flow=flow)
    assert "is deleted" in run(staff, flow)


def test_a_viewer_may_not_run(page: PageFor, team: Team, vera: User) -> None:
    vera.is_staff = True
    vera.save()
    grant(vera)
    assert "your role in its team" in run(page(vera), make_flow(team))
    assert not Execution.objects.exists()


def test_a_strangers_flow_is_not_there(staff: Client, other_team: Team, bob: User) -> None:
    grant(bob)
    run(staff, make_flow(other_team))
    assert not Execution.objects.exists()
