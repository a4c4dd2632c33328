"""Tests of `accounts.pages.current_team`: the switcher, and the lists that look at one team."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Team, TeamMembership, User
from tests.cast import ApiFor, PageFor

FLOW = {"steps": [{"name": "w", "stepType": "delay", "meta": {"delayMs": 1}}]}
RESOURCE = {"type": "http", "config": {"baseUrl": "https://example.com"}}


@pytest.fixture
def billing(team: Team, alice: User) -> Team:
    """A second team of Alice, with things of its own."""
    return Team.objects.create(organisation=team.organisation, name="Billing")


def _fill(client: APIClient, team: Team) -> None:
    """Make one thing of each kind in the team, named after it."""
    ours = {"teamId": str(team.id), "name": f"of-{team.name}"}
    flow = client.post("/api/v1/flows", {**FLOW, **ours}).json()["id"]
    assert client.post("/api/v1/resources", {**RESOURCE, **ours}).status_code == 201
    assert client.post("/api/v1/environments", ours).status_code == 201
    assert client.post(f"/api/v1/flows/{flow}/run", {}).status_code == 201


def _choose(browser: Client, team: Team | None, following: str = "/flows") -> None:
    answer = browser.post("/switch-team", {"team": str(team.pk) if team else "", "next": following})
    assert (answer.status_code, answer["Location"]) == (302, following)


def test_every_list_looks_at_the_chosen_team(
    page: PageFor, api: ApiFor, alice: User, team: Team, billing: Team
) -> None:
    for each in (team, billing):
        _fill(api(alice), each)
    browser = page(alice)
    for path in ("/flows", "/executions", "/resources", "/environments"):
        for chosen, shown in (
            (None, {"of-Checkout", "of-Billing"}),
            (billing, {"of-Billing"}),
            (team, {"of-Checkout"}),
        ):
            _choose(browser, chosen)
            text = browser.get(path, headers={"HX-Request": "true"}).content.decode()
            assert {name for name in ("of-Checkout", "of-Billing") if name in text} == shown, (path, chosen)


def test_what_is_made_begins_in_the_chosen_team(
    page: PageFor, alice: User, team: Team, billing: Team
) -> None:
    browser = page(alice)
    for chosen in (team, billing):
        _choose(browser, chosen)
        for path in ("/flows/new", "/resources/new?type=http", "/environments/new"):
            assert browser.get(path).context["teams"][0] == chosen


def test_the_bar_says_which_team(page: PageFor, alice: User, team: Team, billing: Team) -> None:
    browser = page(alice)
    assert "All teams" in browser.get("/flows").content.decode()
    _choose(browser, billing)
    assert 'aria-label="Team: Billing"' in browser.get("/flows").content.decode()


def test_one_team_needs_no_switcher(page: PageFor, bob: User) -> None:
    assert "/switch-team" not in page(bob).get("/flows").content.decode()


def test_strangers_teams_cannot_be_chosen(page: PageFor, alice: User, other_team: Team) -> None:
    browser = page(alice)
    for wrong in (str(other_team.pk), str(uuid4()), "x", "\0"):
        assert browser.post("/switch-team", {"team": wrong}).status_code == 404
    assert browser.get("/switch-team").status_code == 405


def test_a_team_that_the_user_has_left_is_not_chosen_any_more(
    page: PageFor, api: ApiFor, alice: User, bob: User, team: Team, billing: Team
) -> None:
    TeamMembership.objects.create(team=billing, user=bob)
    _fill(api(alice), team)
    browser = page(bob)
    _choose(browser, billing)
    TeamMembership.objects.filter(team=billing).delete()
    assert "of-Checkout" in browser.get("/flows").content.decode()


def test_it_goes_back_to_pages_of_this_site_only(page: PageFor, alice: User, team: Team) -> None:
    answer = page(alice).post("/switch-team", {"team": str(team.pk), "next": "https://evil.example/"})
    assert answer["Location"] == "/executions"
