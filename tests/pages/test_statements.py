"""No page and no list of the admin asks the database more often because there is more to show."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit.log import record
from accounts.models import ApiToken, Invitation, Organisation, Team, TeamMembership, User
from executions.models import Execution
from flows.documents.document import check_document
from flows.models import Flow
from flows.services import create_flow, save_version
from resources.models import Environment, Resource
from tests.cast import PageFor
from tests.executions.rows import make_attempt, make_execution, make_step
from tests.flows.sample_documents import flow, wait

FEW, MORE = 1, 4
#: Pages of what is there, by name, and what of it they are about.
PAGES = {
    "executions": None,
    "execution": Execution,
    "execution-activity": Execution,
    "flows": None,
    "flow": Flow,
    "resources": None,
    "environments": None,
    "organisations": None,
    "organisation": Organisation,
    "team": Team,
    "people": None,
    "audit-log-page": None,
    "tokens-page": None,
}
ADMIN = sorted(
    f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry
)


@pytest.fixture
def browser(page: PageFor, alice: User) -> Client:
    """Who may see everything, at every door."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return page(alice)


def fill(team: Team, alice: User, count: int) -> None:
    """Make so many more of everything that pages list; what was first becomes longer as well."""
    oldest = Execution.objects.order_by("pk").first() or make_execution(team, user=alice, status="FAILED")
    already = oldest.steps.count()
    for number in range(already, already + count):
        make_attempt(make_step(oldest, number, status="FAILED", attempts=2))
        name = f"number {number}"
        saved = create_flow(team=team, user=alice, document=check_document(flow(wait(), name=name)))
        for known in (saved, Flow.objects.order_by("pk")[0]):
            save_version(
                flow=known, user=alice, document=check_document(flow(wait("other"), name=known.name))
            )
        run = make_execution(team, user=alice, flow=saved, version=saved.versions.first(), status="FAILED")
        make_execution(team, user=alice, parent=oldest, parent_position=number)
        make_step(run, status="FAILED")
        Resource.objects.create(team=team, name=name, type="http", created_by=alice)
        Environment.objects.create(team=team, name=name, created_by=alice)
        person = User.objects.create_user(f"{number}@shop.example", "a long password")
        team.organisation.memberships.create(user=person)
        TeamMembership.objects.create(team=team, user=person, role="VIEWER")
        other = Team.objects.create(organisation=team.organisation, name=name)
        TeamMembership.objects.create(team=other, user=alice, role="ADMIN")
        record(actor=person, action="flow.save", team=team, target=saved)
        email = f"i{person.email}"
        Invitation.objects.create(
            organisation=team.organisation,
            team=team,
            email=email,
            role="MEMBER",
            team_role="VIEWER",
            invited_by=person,
        )
        expires_at = timezone.now() + timedelta(days=1)
        ApiToken.objects.create(
            user=alice, team=team, name=name, digest=name, hint="ats_", scopes=["READ"], expires_at=expires_at
        )


def addresses() -> list[str]:
    """Return where all of them are; those of a row are about the oldest."""
    oldest = {name: model and model._default_manager.order_by("pk")[0].pk for name, model in PAGES.items()}
    return [reverse(name, args=[pk] if pk else []) for name, pk in oldest.items()] + [
        reverse(name) for name in ADMIN
    ]


def asked_of(browser: Client) -> dict[str, int]:
    """Return how many statements each of them takes."""
    counts = {}
    for address in addresses():
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(address).status_code == 200, address
        counts[address] = len(asked)
    return counts


def test_no_page_asks_more_because_there_is_more(browser: Client, team: Team, alice: User) -> None:
    fill(team, alice, FEW)
    asked_of(browser)  # what is asked once a process is asked now
    few = asked_of(browser)
    fill(team, alice, MORE)
    more = asked_of(browser)
    assert {address: (few[address], more[address]) for address in few if more[address] > few[address]} == {}
