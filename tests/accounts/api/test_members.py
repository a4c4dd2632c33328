"""Tests of `accounts.api.views.members`."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User
from tests.cast import ApiFor


@pytest.fixture
def of_organisation(organisation: Organisation) -> str:
    return f"/api/v1/organisations/{organisation.id}/members"


@pytest.fixture
def of_team(team: Team) -> str:
    return f"/api/v1/teams/{team.id}/members"


def test_members_are_listed(
    api: ApiFor,
    alice: User,
    bob: User,
    vera: User,
    of_team: str,
    of_organisation: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(3):
        listed = api(vera).get(of_team).json()["results"]
    assert listed[1] == {"userId": str(bob.id), "email": "bob@example.com", "name": "Bob", "role": "EDITOR"}
    with django_assert_num_queries(3):
        listed = api(vera).get(of_organisation).json()["results"]
    assert [member["role"] for member in listed] == ["OWNER", "MEMBER", "MEMBER"]


def test_somebody_whom_the_adder_sees_joins(
    api: ApiFor,
    alice: User,
    charlie: User,
    other_organisation: Organisation,
    of_organisation: str,
    of_team: str,
) -> None:
    other_organisation.memberships.create(user=alice, role="MEMBER")
    answer = api(alice).post(of_organisation, {"email": "Charlie@example.com", "role": "member"})
    assert answer.status_code == 201
    assert answer.json() == {
        "userId": str(charlie.id),
        "email": "charlie@example.com",
        "name": "Charlie",
        "role": "MEMBER",
    }
    answer = api(alice).post(of_team, {"userId": str(charlie.id), "role": "VIEWER"})
    assert answer.status_code == 201
    assert api(charlie).get(of_team).status_code == 200


def test_a_stranger_to_the_organisation_cannot_join_its_team(
    api: ApiFor, alice: User, charlie: User, of_team: str
) -> None:
    known = api(alice).post(of_team, {"email": "charlie@example.com", "role": "VIEWER"})
    unknown = api(alice).post(of_team, {"email": "nobody@example.com", "role": "VIEWER"})
    assert known.status_code == 400
    assert known.json() == unknown.json()


def test_nobody_learns_who_has_an_account(
    api: ApiFor, alice: User, charlie: User, of_organisation: str, organisation: Organisation
) -> None:
    for known, unknown in (
        ({"email": "charlie@example.com"}, {"email": "nobody@example.com"}),
        ({"userId": str(charlie.pk)}, {"userId": str(uuid4())}),
    ):
        answers = [
            api(alice).post(of_organisation, {**named, "role": "MEMBER"}) for named in (known, unknown)
        ]
        assert answers[0].status_code == 400
        assert answers[0].json() == answers[1].json()
        assert "invite" in answers[0].json()["errors"][0]["detail"]
    assert not organisation.memberships.filter(user=charlie).exists()


def test_administrators_of_the_installation_add_anybody(
    api: ApiFor, alice: User, charlie: User, of_organisation: str
) -> None:
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    answer = api(User.objects.get(pk=alice.pk)).post(
        of_organisation, {"email": "charlie@example.com", "role": "MEMBER"}
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"role": "VIEWER"}, "userId"),
        ({"userId": str(uuid4()), "email": "bob@example.com", "role": "VIEWER"}, "userId"),
        ({"userId": str(uuid4()), "role": "VIEWER"}, "userId"),
        ({"userId": "x", "role": "VIEWER"}, "userId"),
        ({"email": "nobody@example.com", "role": "VIEWER"}, "email"),
        ({"email": "bob@example.com", "role": "KING"}, "role"),
        ({"email": "bob@example.com", "role": 1}, "role"),
        ({"email": "bob@example.com"}, "role"),
    ],
)
def test_a_bad_member_is_refused_at_its_place(
    api: ApiFor, alice: User, bob: User, of_team: str, body: object, place: str
) -> None:
    answer = api(alice).post(of_team, body)
    assert answer.status_code == 400
    assert [error["attr"] for error in answer.json()["errors"]] == [place]


def test_nobody_joins_twice(api: ApiFor, alice: User, bob: User, of_team: str, of_organisation: str) -> None:
    for url, role in ((of_team, "VIEWER"), (of_organisation, "ADMIN")):
        answer = api(alice).post(url, {"email": "bob@example.com", "role": role})
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["code"] == "already_member"
    assert TeamMembership.objects.get(user=bob).role == "EDITOR"


def test_roles_change(api: ApiFor, alice: User, bob: User, of_team: str, of_organisation: str) -> None:
    answer = api(alice).patch(f"{of_team}/{bob.id}", {"role": "viewer", "email": "x@example.com"})
    assert answer.json() == {
        "userId": str(bob.id),
        "email": "bob@example.com",
        "name": "Bob",
        "role": "VIEWER",
    }
    assert api(alice).put(f"{of_organisation}/{bob.id}", {"role": "ADMIN"}).json()["role"] == "ADMIN"
    assert api(alice).get(f"{of_organisation}/{bob.id}").json()["role"] == "ADMIN"


def test_only_admins_change_members(
    api: ApiFor, alice: User, bob: User, vera: User, of_team: str, of_organisation: str
) -> None:
    for url in (of_team, of_organisation):
        assert api(bob).post(url, {"email": "vera@example.com", "role": "ADMIN"}).status_code == 403
        assert api(bob).patch(f"{url}/{bob.id}", {"role": "ADMIN"}).status_code == 403
        assert api(bob).delete(f"{url}/{vera.id}").status_code == 403


def test_an_admin_is_no_owner(api: ApiFor, alice: User, bob: User, vera: User, of_organisation: str) -> None:
    OrganisationMembership.objects.filter(user=bob).update(role="ADMIN")
    admin = api(bob)
    assert admin.patch(f"{of_organisation}/{bob.id}", {"role": "OWNER"}).status_code == 403
    assert admin.patch(f"{of_organisation}/{alice.id}", {"role": "MEMBER"}).status_code == 403
    assert admin.delete(f"{of_organisation}/{alice.id}").status_code == 403
    assert admin.patch(f"{of_organisation}/{vera.id}", {"role": "ADMIN"}).status_code == 200


def test_the_last_owner_stays(api: ApiFor, alice: User, bob: User, of_organisation: str) -> None:
    owner = api(alice)
    for answer in (
        owner.delete(f"{of_organisation}/{alice.id}"),
        owner.patch(f"{of_organisation}/{alice.id}", {"role": "MEMBER"}),
    ):
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["code"] == "last_owner"
    assert owner.patch(f"{of_organisation}/{bob.id}", {"role": "OWNER"}).status_code == 200
    assert owner.delete(f"{of_organisation}/{alice.id}").status_code == 204


def test_who_leaves_an_organisation_leaves_its_teams(
    api: ApiFor, alice: User, bob: User, of_organisation: str
) -> None:
    assert api(bob).delete(f"{of_organisation}/{bob.id}").status_code == 204
    assert not TeamMembership.objects.filter(user=bob).exists()
    assert api(bob).get(of_organisation).status_code == 404


def test_members_leave_a_team_by_themselves(api: ApiFor, bob: User, of_team: str) -> None:
    assert api(bob).delete(f"{of_team}/{bob.id}").status_code == 204
    assert api(bob).get(of_team).status_code == 404


def test_an_outsider_gets_404(
    api: ApiFor, bob: User, charlie: User, of_team: str, of_organisation: str
) -> None:
    outsider = api(charlie)
    for url in (of_team, of_organisation):
        answers = [
            outsider.get(url),
            outsider.post(url, {"email": "charlie@example.com", "role": "ADMIN"}),
            outsider.get(f"{url}/{bob.id}"),
            outsider.patch(f"{url}/{bob.id}", {"role": "ADMIN"}),
            outsider.delete(f"{url}/{bob.id}"),
        ]
        assert {answer.status_code for answer in answers} == {404}
