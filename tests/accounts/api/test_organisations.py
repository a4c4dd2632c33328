"""Tests of `accounts.api.views.organisations`."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organisation, OrganisationMembership, Team, User
from tests.cast import ApiFor

ORGANISATIONS = "/api/v1/organisations"
TEAMS = "/api/v1/teams"


def test_whoever_creates_an_organisation_owns_it(api: ApiFor, bob: User) -> None:
    answer = api(bob).post(ORGANISATIONS, {"name": " Initech "})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["name"], body["role"]) == ("Initech", "OWNER")
    assert isinstance(body["createdAt"], int)
    listed = api(bob).get(f"{ORGANISATIONS}?ordering=-name").json()
    assert [(o["name"], o["role"]) for o in listed["results"]] == [("Initech", "OWNER"), ("Acme", "MEMBER")]


def test_organisations_are_listed_with_few_queries(
    api: ApiFor, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        made = Organisation.objects.create(name=f"O{number}")
        OrganisationMembership.objects.create(organisation=made, user=alice, role="OWNER")
    with django_assert_num_queries(2):
        body = api(alice).get(ORGANISATIONS).json()
    assert (body["count"], len(body["results"])) == (31, 25)
    assert "page=2" in body["next"]


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 151}, {"name": ["a"]}, [], "x", None])
def test_a_bad_organisation_is_refused(api: ApiFor, alice: User, body: object) -> None:
    assert api(alice).post(ORGANISATIONS, body).status_code == 400


def test_a_name_is_given_once(api: ApiFor, alice: User, organisation: Organisation) -> None:
    mine = api(alice).post(ORGANISATIONS, {"name": "Initech"}).json()
    for answer in (
        api(alice).post(ORGANISATIONS, {"name": "Acme"}),
        api(alice).patch(f"{ORGANISATIONS}/{mine['id']}", {"name": "Acme"}),
    ):
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["attr"] == "name"


def test_owners_rename_and_delete_an_organisation(
    api: ApiFor, alice: User, organisation: Organisation, team: Team
) -> None:
    url = f"{ORGANISATIONS}/{organisation.id}"
    assert api(alice).patch(url, {"name": "Acme 2"}).json()["name"] == "Acme 2"
    assert api(alice).put(url, {"name": "Acme 3"}).json()["name"] == "Acme 3"
    refused = api(alice).delete(url)
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["code"] == "has_teams"
    assert api(alice).delete(f"{TEAMS}/{team.id}").status_code == 204
    assert api(alice).delete(url).status_code == 204
    assert not Organisation.objects.filter(pk=organisation.pk).exists()


def test_members_only_look(api: ApiFor, bob: User, organisation: Organisation) -> None:
    url = f"{ORGANISATIONS}/{organisation.id}"
    assert api(bob).get(url).status_code == 200
    assert api(bob).patch(url, {"name": "Mine"}).status_code == 403
    assert api(bob).delete(url).status_code == 403
    assert api(bob).post(f"{url}/teams", {"name": "Mine"}).status_code == 403


def test_an_outsider_gets_404(api: ApiFor, alice: User, charlie: User, organisation: Organisation) -> None:
    url = f"{ORGANISATIONS}/{organisation.id}"
    outsider = api(charlie)
    answers = [
        outsider.get(url),
        outsider.patch(url, {"name": "x"}),
        outsider.delete(url),
        outsider.get(f"{url}/teams"),
        outsider.post(f"{url}/teams", {"name": "x"}),
    ]
    assert {answer.status_code for answer in answers} == {404}


def test_a_team_is_created_below_its_organisation(
    api: ApiFor, alice: User, organisation: Organisation
) -> None:
    answer = api(alice).post(f"{ORGANISATIONS}/{organisation.id}/teams", {"name": "Billing"})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["name"], body["organisationId"], body["role"]) == ("Billing", str(organisation.id), "ADMIN")
    listed = api(alice).get(f"{ORGANISATIONS}/{organisation.id}/teams").json()
    assert [team["name"] for team in listed["results"]] == ["Billing", "Checkout"]


def test_a_team_names_its_organisation_where_there_are_several(
    api: ApiFor, alice: User, organisation: Organisation
) -> None:
    assert api(alice).post(TEAMS, {"name": "One"}).status_code == 201
    api(alice).post(ORGANISATIONS, {"name": "Initech"})
    refused = api(alice).post(TEAMS, {"name": "Two"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["attr"] == "organisationId"
    body = {"name": "Two", "organisationId": str(organisation.id)}
    assert api(alice).post(TEAMS, body).status_code == 201


@pytest.mark.parametrize(
    "organisation_id", ["0198c0de-0000-7000-8000-000000000000", "x", 1, [], "\N{SNOWMAN}"]
)
def test_an_unknown_organisation_is_named(api: ApiFor, alice: User, organisation_id: object) -> None:
    answer = api(alice).post(TEAMS, {"name": "x", "organisationId": organisation_id})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"].startswith("organisationId")


def test_an_outsider_cannot_put_a_team_there(
    api: ApiFor, charlie: User, alice: User, organisation: Organisation
) -> None:
    answer = api(charlie).post(TEAMS, {"name": "x", "organisationId": str(organisation.id)})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "does_not_exist"


def test_a_team_name_is_given_once_an_organisation(api: ApiFor, alice: User, charlie: User) -> None:
    answer = api(alice).post(TEAMS, {"name": "Checkout"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0] == {
        "code": "unique",
        "detail": "There is already a team of the organisation with this name.",
        "attr": "name",
    }
    assert api(alice).post(TEAMS, {"name": "Warehouse"}).status_code == 201


def test_team_admins_rename_and_delete(api: ApiFor, alice: User, bob: User, team: Team) -> None:
    url = f"{TEAMS}/{team.id}"
    assert api(bob).patch(url, {"name": "Mine"}).status_code == 403
    assert api(bob).delete(url).status_code == 403
    assert api(alice).patch(url, {"name": "Till"}).json()["name"] == "Till"
    assert api(alice).delete(url).status_code == 204


def test_a_team_is_404_for_an_outsider(api: ApiFor, alice: User, charlie: User, team: Team) -> None:
    url = f"{TEAMS}/{team.id}"
    assert api(charlie).get(url).status_code == 404
    assert api(charlie).delete(url).status_code == 404
    assert [found["name"] for found in api(charlie).get(TEAMS).json()["results"]] == ["Warehouse"]


def test_teams_are_listed_with_few_queries(
    api: ApiFor, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        body = api(bob).get(TEAMS).json()
    assert [(t["name"], t["organisationName"], t["role"]) for t in body["results"]] == [
        ("Checkout", "Acme", "EDITOR")
    ]


@pytest.mark.parametrize("bad", ["x", "1", "00000000-0000-0000-0000-00000000000g"])
def test_what_is_no_id_is_404(api: ApiFor, alice: User, bad: str) -> None:
    for answer in (api(alice).get(f"{TEAMS}/{bad}"), api(alice).get(f"{ORGANISATIONS}/{bad}/teams")):
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/json"
