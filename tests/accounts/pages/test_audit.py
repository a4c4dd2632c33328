"""Tests of `accounts.pages.audit`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models import AuditEvent, Team, User
from tests.cast import PageFor


@pytest.fixture
def events(alice: User, bob: User, team: Team, other_team: Team) -> None:
    AuditEvent.objects.create(
        action="flow.old", door="API", team_id=team.pk, at=timezone.now() - timedelta(days=2)
    )
    audit.record(actor=bob, action="flow.save", team=team, target=team, detail={"version": "<b>"})
    audit.record(actor=alice, action="execution.start", team=team)
    audit.record(actor=alice, action="flow.foreign", team=other_team)


def _actions(answer: Any) -> set[str]:
    return {event.action for event in answer.context["page"]}


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"flow.old", "flow.save", "execution.start"}),
        ("user=bob@example.com", {"flow.save"}),
        ("action=flow", {"flow.old", "flow.save"}),
        ("since=24h", {"flow.save", "execution.start"}),
        ("objectType=team", {"flow.save"}),
        ("door=API", {"flow.old"}),
        ("since=nonsense&page=99", {"flow.old", "flow.save", "execution.start"}),
        ("user=" + "x" * 300, set()),
    ],
)
def test_the_owner_reads_and_filters(page: PageFor, alice: User, query: str, shown: set[str]) -> None:
    answer = page(alice).get(f"/audit-log?{query}")
    assert _actions(answer) - {"account.sign_in"} == shown
    assert "<b>" not in answer.content.decode()


@pytest.mark.usefixtures("events")
def test_others_read_of_their_own_account_alone(page: PageFor, vera: User) -> None:
    browser = page(vera)
    assert _actions(browser.get("/audit-log")) == {"account.sign_in"}
    assert "No event matches." in browser.get("/audit-log?action=flow").content.decode()


@pytest.mark.usefixtures("events")
def test_it_looks_at_the_chosen_team(page: PageFor, alice: User, team: Team) -> None:
    billing = Team.objects.create(organisation=team.organisation, name="Billing")
    audit.record(actor=alice, action="team.create", team=billing)
    browser = page(alice)
    browser.post("/switch-team", {"team": str(billing.pk)})
    answer = browser.get("/audit-log")
    assert _actions(answer) == {"team.create"}
    export = browser.get(f"/api/v1/audit-log/export?format=json&{answer.context['export']}").json()
    assert [event["action"] for event in export] == ["team.create"]
