"""Pages of environments: rows of variables and choices, secrets that stay, who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, TeamMembership, User
from resources.models import Environment, Resource
from resources.services import save_environment, save_resource
from tests.cast import PageFor
from tests.resources.keys import UseKeys

COLUMNS = ("name", "type", "value", "secret", "description", "was")


@pytest.fixture
def shop(team: Team) -> Resource:
    return save_resource(team=team, user=None, name="shop", type="redis", config={"host": "x"})


@pytest.fixture
def staging(team: Team, alice: User, shop: Resource) -> Environment:
    variables = [
        {"name": "url", "type": "string", "value": "5"},
        {"name": "odd", "value": "5"},
        {"name": "flags", "type": "json", "value": {"a": [1]}},
        {"name": "key", "value": "hunter2hunter2", "secret": True, "description": "of the shop"},
    ]
    return save_environment(
        team=team, user=alice, name="staging", variables=variables, resources={"store": "shop"}
    )


def form(*rows: tuple[str, ...], choices: tuple[tuple[str, str], ...] = (), **more: str) -> dict[str, Any]:
    """Return what the form sends with these rows; a row may leave out its last columns."""
    full = [(*row, *[""] * (len(COLUMNS) - len(row))) for row in rows]
    sent: dict[str, Any] = {
        f"variable.{name}": [row[place] for row in full] for place, name in enumerate(COLUMNS)
    }
    sent |= {"choice.name": [name for name, _ in choices], "choice.resource": [pk for _, pk in choices]}
    return {"name": "staging", "description": "", **sent, **more}


def as_sent(answer: Any) -> dict[str, Any]:
    """Return what the form that was shown sends when nothing is changed."""
    rows = [tuple(getattr(row, name) for name in COLUMNS) for row in answer.context["variables"]]
    choices = tuple((row.name, row.resource) for row in answer.context["choices"])
    return form(
        *rows, choices=choices, name=answer.context["name"], description=answer.context["description"]
    )


def test_saving_what_the_form_holds_changes_nothing(page: PageFor, bob: User, staging: Environment) -> None:
    before = (staging.variables, staging.secrets, staging.resources, staging.name)
    shown = page(bob).get(f"/environments/{staging.pk}")
    assert "hunter2" not in shown.content.decode()
    assert page(bob).post(f"/environments/{staging.pk}", as_sent(shown)).status_code == 302
    staging.refresh_from_db()

    assert (staging.variables, staging.secrets, staging.resources, staging.name) == before


def test_an_environment_is_made(page: PageFor, bob: User, team: Team, shop: Resource) -> None:
    rows = [
        ("n", "integer", "5"),
        ("any", "", "[1]"),
        ("text", "", "a b"),
        ("key", "string", "s3cret-s3cret", "yes"),
        ("", "", ""),
    ]
    sent = form(
        *rows, choices=(("store", str(shop.pk)), ("", "")), team=str(team.pk), description="where we try"
    )
    answer = page(bob).post("/environments/new", sent)

    made = Environment.objects.get()
    assert answer.headers["Location"] == f"/environments/{made.pk}"
    assert [each["value"] for each in made.variables] == [5, [1], "a b", None]
    assert (made.secrets, made.resources) == ({"key": "s3cret-s3cret"}, {"store": str(shop.pk)})
    assert (made.description, made.created_by) == ("where we try", bob)


def test_what_is_wrong_stands_at_its_row(page: PageFor, alice: User, team: Team, shop: Resource) -> None:
    rows = [("n", "integer", "many"), ("1x", "", ""), ("n", "", "")]
    sent = form(*rows, choices=(("store", "0193a5b0-0000-7000-8000-000000000001"),), team=str(team.pk))
    answer = page(alice).post("/environments/new", sent)

    assert answer.status_code == 422
    assert all(row.problems for row in answer.context["variables"])
    assert "many" in answer.content.decode()
    assert not Environment.objects.exists()

    sent = form(choices=(("store", str(shop.pk)), ("store", str(shop.pk))), team=str(team.pk))
    assert "has two choices" in page(alice).post("/environments/new", sent).content.decode()
    unknown = form(choices=(("store", "odd"),), team=str(team.pk))
    assert page(alice).post("/environments/new", unknown).context["choices"][0].problems


@pytest.mark.parametrize("name", ["", "x" * 151, "a\x00"])
def test_names_are_checked(page: PageFor, alice: User, team: Team, name: str) -> None:
    answer = page(alice).post("/environments/new", form(name=name, team=str(team.pk)))
    assert answer.status_code == 422
    assert answer.context["name_problem"]


def test_a_renamed_secret_needs_its_value(page: PageFor, alice: User, staging: Environment) -> None:
    sent = form(("other", "", "", "yes", "", "key"))
    page(alice).post(f"/environments/{staging.pk}", sent)
    staging.refresh_from_db()
    assert [each["name"] for each in staging.variables] == ["other"]
    assert staging.secrets is None


def test_a_secret_that_is_not_kept_cannot_be_claimed(
    page: PageFor, alice: User, staging: Environment
) -> None:
    answer = page(alice).post(f"/environments/{staging.pk}", form(("url", "", "", "yes", "", "url")))
    assert answer.status_code == 422
    assert answer.context["variables"][0].problems


def test_a_viewer_reads_only(page: PageFor, vera: User, team: Team, staging: Environment) -> None:
    browser = page(vera)
    text = browser.get(f"/environments/{staging.pk}").content.decode()
    assert all(words not in text for words in (">Save<", ">Delete<", "Add a variable"))
    assert browser.post(f"/environments/{staging.pk}", form()).status_code == 404
    assert browser.post(f"/environments/{staging.pk}/delete").status_code == 404
    assert browser.post("/environments/new", form(team=str(team.pk))).status_code == 404
    assert "can view environments" in browser.get("/environments/new").content.decode()


def test_an_outsider_gets_404(page: PageFor, charlie: User, team: Team, staging: Environment) -> None:
    browser = page(charlie)
    assert browser.get(f"/environments/{staging.pk}").status_code == 404
    assert browser.post(f"/environments/{staging.pk}", form()).status_code == 404
    assert browser.post(f"/environments/{staging.pk}/delete").status_code == 404
    assert browser.post("/environments/new", form(team=str(team.pk))).status_code == 404
    assert len(browser.get("/environments").context["page"].object_list) == 0


def test_it_is_deleted(page: PageFor, alice: User, staging: Environment) -> None:
    assert page(alice).post(f"/environments/{staging.pk}/delete").headers["Location"] == "/environments"
    assert not Environment.objects.exists()


def test_the_list(
    page: PageFor,
    alice: User,
    vera: User,
    staging: Environment,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    browser = page(alice)
    with django_assert_max_num_queries(9):
        text = browser.get("/environments?search=STAG").content.decode()
    assert all(words in text for words in ("staging", "url", "store"))
    assert "No environment matches" in browser.get("/environments?search=odd").content.decode()
    Environment.objects.all().delete()
    assert "Create an environment" in browser.get("/environments").content.decode()
    assert "Create an environment" not in page(vera).get("/environments").content.decode()


def test_the_team_is_chosen_by_who_has_several(
    page: PageFor, alice: User, other_team: Team, team: Team
) -> None:
    TeamMembership.objects.create(user=alice, team=other_team, role=TeamMembership.Role.EDITOR)
    theirs = save_resource(team=other_team, user=None, name="theirs", type="redis", config={"host": "x"})
    answer = page(alice).get(f"/environments/new?team={other_team.pk}")
    assert answer.context["team"] == other_team
    assert [each.pk for each in answer.context["resources"]] == [theirs.pk]


def test_a_secret_whose_key_is_lost_is_asked_for_again(
    page: PageFor, alice: User, staging: Environment, use_keys: UseKeys
) -> None:
    use_keys()
    shown = page(alice).get(f"/environments/{staging.pk}")
    assert "cannot be decrypted" in shown.content.decode()
    assert [row.was for row in shown.context["variables"]] == ["", "", "", ""]
    assert page(alice).get("/environments").status_code == 200
