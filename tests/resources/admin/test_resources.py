"""Resources and environments in the admin: scoped, masked, in a bounded number of queries."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Team, User
from resources.models import Environment, Resource
from resources.services import save_environment, save_resource
from tests.cast import PASSWORD, ApiFor, PageFor
from tests.flows.sample_documents import flow, get

CONFIG = {"baseUrl": "https://shop.example", "auth": {"type": "bearer", "token": "hunter2hunter2"}}
LISTS = ["/admin/resources/resource/", "/admin/resources/environment/"]


@pytest.fixture
def root(quick_passwords: None, db: None) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


def make(team: Team, user: User, name: str) -> tuple[Resource, Environment]:
    resource = save_resource(team=team, user=user, name=name, type="http", config=CONFIG)
    variables = [{"name": "key", "value": "hunter2hunter2", "secret": True}]
    return resource, save_environment(team=team, user=user, name=f"{name}-env", variables=variables)


def pages_of(made: tuple[Resource, Environment]) -> list[str]:
    return [f"{url}{thing.pk}/change/" for url, thing in zip(LISTS, made, strict=True)]


def test_secrets_are_masked(page: PageFor, root: User, team: Team) -> None:
    for url in [*LISTS, *pages_of(make(team, root, "shop"))]:
        answer = page(root).get(url)
        assert answer.status_code == 200
        assert "hunter2" not in answer.content.decode()
    assert "••••••" in answer.content.decode()


def test_staff_see_and_change_their_teams_only(
    page: PageFor, alice: User, charlie: User, team: Team, other_team: Team
) -> None:
    ours, theirs = make(team, alice, "ours"), make(other_team, charlie, "theirs")
    alice.is_staff = True
    alice.save()
    alice.user_permissions.set(Permission.objects.filter(content_type__app_label="resources"))
    for url in LISTS:
        text = page(alice).get(url).content.decode()
        assert "ours" in text
        assert "theirs" not in text
    for url in pages_of(theirs):
        assert page(alice).post(url, {"name": "stolen"}).status_code == 302
    assert page(alice).post(pages_of(ours)[0], {"name": "renamed"}).status_code == 302

    assert sorted(Resource.objects.values_list("name", flat=True)) == ["renamed", "theirs"]
    assert Resource.objects.get(name="renamed").secrets == {"auth": CONFIG["auth"]}
    for url in LISTS:
        assert page(alice).get(f"{url}add/").status_code == 403


def test_what_is_used_is_not_deleted(page: PageFor, root: User, api: ApiFor, alice: User, team: Team) -> None:
    resource, _ = make(team, alice, "shop")
    step = get("fetch", url="/x")
    step["meta"]["resourceId"] = "shop"
    assert api(alice).post("/api/v1/flows", flow(step, name="Orders")).status_code == 201
    url = f"{LISTS[0]}{resource.pk}"

    assert "Orders: fetch" in page(root).get(f"{url}/change/").content.decode()
    assert page(root).post(f"{url}/delete/", {"post": "yes"}).status_code == 409
    resource.name = "other"
    resource.save()
    assert page(root).post(f"{url}/delete/", {"post": "yes"}).status_code == 302
    assert not Resource.objects.exists()


@pytest.mark.parametrize("url", LISTS)
def test_lists_take_few_queries(
    page: PageFor, root: User, team: Team, url: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        make(team, root, f"shop{number}")
    client = page(root)

    with django_assert_max_num_queries(12):
        assert client.get(url).status_code == 200


def test_no_more_are_checked_at_once_than_may(
    page: PageFor, root: User, team: Team, settings: Settings
) -> None:
    settings.MAX_CHECK_THREADS = 0
    resource, _ = make(team, root, "nowhere")

    answer = page(root).post(
        LISTS[0], {"action": "check_selected", "_selected_action": str(resource.pk)}, follow=True
    )

    assert "There are already as many checks in progress" in answer.content.decode()


def test_selected_resources_are_checked(page: PageFor, root: User, team: Team) -> None:
    config = {"baseUrl": "http://127.0.0.1:1", "auth": {"type": "bearer", "token": "hunter2hunter2"}}
    resource = save_resource(team=team, user=root, name="nowhere", type="http", config=config)

    answer = page(root).post(
        LISTS[0], {"action": "check_selected", "_selected_action": str(resource.pk)}, follow=True
    )

    assert "Resource nowhere: cannot connect to 127.0.0.1:1: connection refused" in answer.content.decode()
