"""Tests of `accounts.services.retention`: whose days count, and the doors through which they are changed."""

from __future__ import annotations

import pytest
from django.urls import reverse
from pytest_django import Settings

from accounts.models import AuditEvent, Team, User
from accounts.models.teams import LONGEST_RETENTION_DAYS
from accounts.services.retention import change_retention, executions_days, results_days
from tests.cast import ApiFor, PageFor


def days_of(team: Team) -> tuple[int, int]:
    team.refresh_from_db()
    return results_days(team), executions_days(team)


def test_a_team_without_days_of_its_own_has_the_installation_s(team: Team, settings: Settings) -> None:
    settings.RESULTS_RETENTION_DAYS, settings.EXECUTIONS_RETENTION_DAYS = 7, 70
    assert days_of(team) == (7, 70)
    change_retention(team=team, results=0, executions=3)
    assert days_of(team) == (0, 3)
    change_retention(team=team, results=None, executions=None)
    assert days_of(team) == (7, 70)


def test_a_change_is_in_the_audit_log_and_no_change_is_not(team: Team) -> None:
    change_retention(team=team, results=None, executions=None)
    assert not AuditEvent.objects.exists()
    change_retention(team=team, results=30, executions=None)
    event = AuditEvent.objects.get(action="team.retention")
    assert (event.team_id, event.detail["resultsDays"], event.detail["executionsDays"]) == (
        team.pk,
        "30",
        "the installation's",
    )


def test_the_api_gives_and_changes_them(api: ApiFor, alice: User, team: Team) -> None:
    address = f"/api/v1/teams/{team.pk}"
    shown = api(alice).patch(address, {"keepResultsDays": 14}).json()
    assert (shown["keepResultsDays"], shown["keepExecutionsDays"]) == (14, None)
    api(alice).patch(address, {"keepExecutionsDays": 0})
    assert days_of(team) == (14, 0)
    api(alice).put(address, {"name": "Checkout"})  # what a client does not know of stays
    assert days_of(team) == (14, 0)
    api(alice).patch(address, {"keepResultsDays": None})
    assert api(alice).get(address).json()["keepResultsDays"] is None


def test_a_new_team_may_come_with_them(api: ApiFor, alice: User) -> None:
    made = api(alice).post("/api/v1/teams", {"name": "Till", "keepExecutionsDays": 5})
    assert (made.status_code, made.json()["keepExecutionsDays"]) == (201, 5)


@pytest.mark.parametrize("days", [-1, LONGEST_RETENTION_DAYS + 1, "soon", 1.5, 10**30])
def test_what_is_no_number_of_days_is_refused(api: ApiFor, alice: User, team: Team, days: object) -> None:
    answer = api(alice).patch(f"/api/v1/teams/{team.pk}", {"keepResultsDays": days})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "keepResultsDays"


def test_only_who_administers_the_team_changes_them(
    api: ApiFor, bob: User, charlie: User, team: Team
) -> None:
    address, wish = f"/api/v1/teams/{team.pk}", {"keepResultsDays": 1}
    assert api(bob).patch(address, wish).status_code == 403
    assert api(charlie).patch(address, wish).status_code == 404


def test_the_team_s_page_shows_and_changes_them(page: PageFor, alice: User, bob: User, team: Team) -> None:
    shown = page(bob).get(f"/teams/{team.pk}").content.decode()
    assert "90 days" in shown
    assert f"/teams/{team.pk}/retention" not in shown
    changed = page(alice).post(
        f"/teams/{team.pk}/retention", {"results": "1", "executions": "0"}, follow=True
    )
    assert "1 day. Runs, with everything in them: for ever" in changed.content.decode()
    assert days_of(team) == (1, 0)
    page(alice).post(f"/teams/{team.pk}/retention", {"results": "", "executions": ""})
    assert days_of(team) == (90, 365)


def test_the_page_says_what_is_wrong(page: PageFor, alice: User, team: Team) -> None:
    answer = page(alice).post(f"/teams/{team.pk}/retention", {"results": "-1", "executions": "9" * 40})
    assert "greater than or equal to 0" in answer.content.decode()
    assert days_of(team) == (90, 365)


def test_the_admin_has_them(page: PageFor, team: Team) -> None:
    root = page(User.objects.create_superuser("root@example.com"))
    form = root.get(reverse("admin:accounts_team_change", args=[team.pk])).content.decode()
    assert 'name="keep_results_days"' in form
    assert 'name="keep_executions_days"' in form
