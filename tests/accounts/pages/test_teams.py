"""Tests of `accounts.pages.teams`."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent, Organisation, Team, User
from accounts.permission_table import team_table
from tests.accounts.texts import without_marks
from tests.cast import PageFor


def _role(user: User, team: Team) -> str | None:
    return team.memberships.filter(user=user).values_list("role", flat=True).first()


def test_members_come_change_and_go(page: PageFor, alice: User, bob: User, team: Team) -> None:
    team.memberships.filter(user=bob).delete()
    browser, members = page(alice), f"/teams/{team.pk}/members"
    browser.post(members, {"email": "bob@example.com", "role": "VIEWER"})
    assert _role(bob, team) == "VIEWER"
    assert (
        "already a member"
        in browser.post(members, {"email": "bob@example.com", "role": "VIEWER"}).content.decode()
    )
    browser.post(f"{members}/{bob.pk}", {"role": "EDITOR"})
    browser.post(f"{members}/{bob.pk}", {"role": "KING"})
    assert _role(bob, team) == "EDITOR"
    browser.post(f"{members}/{bob.pk}")
    assert _role(bob, team) is None
    told = AuditEvent.objects.filter(action__startswith="member.").order_by("at")
    assert [(event.action, event.actor_name, event.target_name, event.door) for event in told] == [
        (action, "alice@example.com", "Bob", "PAGE")
        for action in ("member.add", "member.change_role", "member.remove")
    ]


def test_strangers_to_the_organisation_are_as_unknown_as_nobody(
    page: PageFor, alice: User, charlie: User, team: Team
) -> None:
    answers = [
        page(alice).post(f"/teams/{team.pk}/members", {"email": email, "role": "VIEWER"}).content.decode()
        for email in ("charlie@example.com", "nobody@example.com")
    ]
    assert all("Invite people from outside" in answer for answer in answers)
    assert without_marks(answers[0].replace("charlie@", "nobody@")) == without_marks(answers[1])
    assert _role(charlie, team) is None


def test_a_team_is_renamed(page: PageFor, alice: User, team: Team, organisation: Organisation) -> None:
    Team.objects.create(organisation=organisation, name="Billing")
    assert "taken" in page(alice).post(f"/teams/{team.pk}", {"name": "Billing"}).content.decode()
    page(alice).post(f"/teams/{team.pk}", {"name": "Till"})
    assert Team.objects.get(pk=team.pk).name == "Till"


def test_it_goes_once_its_name_is_typed(page: PageFor, alice: User, team: Team) -> None:
    page(alice).post(f"/teams/{team.pk}/delete", {"name": "checkout"})
    assert Team.objects.filter(pk=team.pk).exists()
    page(alice).post(f"/teams/{team.pk}/delete", {"name": "Checkout"})
    assert not Team.objects.filter(pk=team.pk).exists()
    assert AuditEvent.objects.get(action="team.delete").target_name == "Checkout"


@pytest.mark.parametrize("path", ["", "/delete", "/members", "/members/{user}"])
def test_editors_and_outsiders_change_nothing(
    page: PageFor, alice: User, bob: User, charlie: User, team: Team, path: str
) -> None:
    url = f"/teams/{team.pk}{path.format(user=alice.pk)}"
    sent = {"name": "Checkout", "email": "charlie@example.com", "role": "VIEWER"}
    assert page(bob).post(url, sent).status_code == 403
    assert page(charlie).post(url, sent).status_code == 404
    assert _role(alice, team) == "ADMIN"


def test_an_editor_looks_and_leaves(page: PageFor, alice: User, bob: User, team: Team) -> None:
    shown = page(bob).get(f"/teams/{team.pk}").content.decode()
    assert "alice@example.com" in shown
    assert all(row.words.split(";")[0].replace("'", "&#x27;") in shown for row in team_table().rows)
    assert "Delete the team" not in shown
    assert page(bob).post(f"/teams/{team.pk}/members/{bob.pk}")["Location"] == "/organisations"
    assert _role(bob, team) is None
