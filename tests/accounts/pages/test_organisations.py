"""Tests of `accounts.pages.organisations`."""

from __future__ import annotations

import pytest

from accounts.models import Organisation, OrganisationMembership, Team, User
from tests.accounts.texts import without_marks
from tests.cast import PageFor

Role = OrganisationMembership.Role


def _role(user: User, organisation: Organisation) -> str | None:
    return organisation.memberships.filter(user=user).values_list("role", flat=True).first()


def test_an_organisation_from_the_beginning_to_the_end(page: PageFor, bob: User) -> None:
    browser = page(bob)
    made = browser.post("/organisations", {"name": "Initech"})
    organisation = Organisation.objects.get(name="Initech")
    assert made["Location"] == f"/organisations/{organisation.pk}"
    assert _role(bob, organisation) == Role.OWNER
    browser.post(made["Location"], {"name": "Initrode"})
    browser.post(f"{made['Location']}/teams", {"name": "TPS"})
    text = browser.get("/organisations").content.decode()
    assert all(name in text for name in ("Initrode", "TPS", "Acme", "Checkout"))
    browser.post(f"{made['Location']}/delete")
    assert "Delete its teams first." in browser.get(made["Location"]).content.decode()
    browser.post(f"/teams/{organisation.teams.get().pk}/delete", {"name": "TPS"})
    assert browser.post(f"{made['Location']}/delete")["Location"] == "/organisations"
    assert not Organisation.objects.filter(name="Initrode").exists()


def test_taken_names_are_told(
    page: PageFor, alice: User, organisation: Organisation, other_team: Team
) -> None:
    browser = page(alice)
    for path, name in (
        ("/organisations", "Acme"),
        (f"/organisations/{organisation.pk}", "Globex"),
        (f"/organisations/{organisation.pk}/teams", "Checkout"),
    ):
        assert "This name is taken." in browser.post(path, {"name": name}).content.decode()
    assert organisation.teams.count() == 1


def test_members_come_change_and_go(
    page: PageFor, alice: User, charlie: User, organisation: Organisation, other_organisation: Organisation
) -> None:
    browser, members = page(alice), f"/organisations/{organisation.pk}/members"
    sent = [
        browser.post(members, {"email": f"{name}@example.com", "role": "MEMBER"})
        for name in ("charlie", "nobody")
    ]
    texts = [answer.content.decode().replace("charlie@", "nobody@") for answer in sent]
    assert all("Invite people from outside" in text for text in texts)
    assert without_marks(texts[0]) == without_marks(texts[1])
    assert (
        _role(charlie, organisation) is None
    )  # a stranger so far; and alice does not learn that there is one
    other_organisation.memberships.create(user=alice, role="MEMBER")
    browser.post(members, {"email": "CHARLIE@example.com", "role": "MEMBER"})
    assert _role(charlie, organisation) == Role.MEMBER
    again = browser.post(members, {"email": "charlie@example.com", "role": "MEMBER"})
    assert "already a member" in again.content.decode()
    browser.post(f"{members}/{charlie.pk}", {"role": "ADMIN"})
    assert _role(charlie, organisation) == Role.ADMIN
    browser.post(f"{members}/{charlie.pk}")
    assert _role(charlie, organisation) is None


def test_the_last_owner_stays(page: PageFor, alice: User, organisation: Organisation) -> None:
    own = f"/organisations/{organisation.pk}/members/{alice.pk}"
    for change in ({"role": "MEMBER"}, {}):
        page(alice).post(own, change)
        assert _role(alice, organisation) == Role.OWNER


def test_only_owners_make_and_unmake_owners(
    page: PageFor, alice: User, bob: User, vera: User, organisation: Organisation
) -> None:
    organisation.memberships.filter(user=bob).update(role=Role.ADMIN)
    members = f"/organisations/{organisation.pk}/members"
    assert page(bob).post(f"{members}/{vera.pk}", {"role": "OWNER"}).status_code == 403
    assert page(bob).post(f"{members}/{alice.pk}", {"role": "MEMBER"}).status_code == 403
    assert page(bob).post(f"{members}/{alice.pk}").status_code == 403
    assert page(bob).post(f"{members}/{vera.pk}", {"role": "ADMIN"}).status_code == 302
    assert (_role(alice, organisation), _role(vera, organisation)) == (Role.OWNER, Role.ADMIN)


@pytest.mark.parametrize("path", ["", "/delete", "/teams", "/members", "/members/{user}"])
def test_members_and_outsiders_change_nothing(
    page: PageFor, alice: User, vera: User, charlie: User, organisation: Organisation, path: str
) -> None:
    url = f"/organisations/{organisation.pk}{path.format(user=alice.pk)}"
    sent = {"name": "x", "email": "charlie@example.com", "role": "MEMBER"}
    assert page(vera).post(url, sent).status_code == 403
    assert page(charlie).post(url, sent).status_code == 404
    assert _role(alice, organisation) == Role.OWNER


def test_a_member_looks_and_leaves(
    page: PageFor, alice: User, vera: User, organisation: Organisation
) -> None:
    shown = page(vera).get(f"/organisations/{organisation.pk}").content.decode()
    assert "alice@example.com" in shown
    assert "Rename" not in shown
    left = page(vera).post(f"/organisations/{organisation.pk}/members/{vera.pk}")
    assert left["Location"] == "/organisations"
    assert not vera.team_memberships.exists()
