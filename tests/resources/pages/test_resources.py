"""Pages of resources: the list, forms made from schemas, checking, deleting; who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Team, TeamMembership, User
from resources.models import Resource
from resources.services import check_now, save_environment, save_resource
from steprunners.registry import connection_classes
from tests.cast import ApiFor, PageFor
from tests.flows.sample_documents import flow, get
from tests.resources.keys import UseKeys

CONFIG = {"baseUrl": "http://127.0.0.1:1", "auth": {"type": "bearer", "token": "hunter2hunter2"}}


@pytest.fixture
def shop(team: Team, alice: User) -> Resource:
    return save_resource(
        team=team, user=alice, name="shop", type="http", config=CONFIG, group_name="shops", namespace="prod"
    )


def use(api: ApiFor, user: User, resource_id: str, name: str = "Orders") -> str:
    step = get("fetch", url="/x")
    step["meta"]["resourceId"] = resource_id
    saved = api(user).post("/api/v1/flows", flow(step, name=name)).json()
    return f"/flows/{saved['id']}"


def sent(**changes: str) -> dict[str, str]:
    """Return what the form of `shop` sends when nothing was changed."""
    unchanged = {
        "name": "shop",
        "groupName": "shops",
        "namespace": "prod",
        "config.baseUrl": "http://127.0.0.1:1",
    }
    return {**unchanged, **{key.replace("__", "."): value for key, value in changes.items()}}


# --- The list -------------------------------------------------------------------------------------


def test_the_list_says_what_there_is_and_who_uses_it(
    page: PageFor, api: ApiFor, alice: User, shop: Resource
) -> None:
    url = use(api, alice, "shop")
    check_now(resource=shop)
    text = page(alice).get("/resources").content.decode()

    assert all(words in text for words in ("shop", "shops", "prod", "1 place", "Orders", "fetch", url))
    assert "connection refused" in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?search=SHO", 1),
        ("?type=http", 1),
        ("?type=sql", 0),
        ("?type=odd", 1),
        ("?page=x", 1),
    ],
)
def test_the_list_is_searched(page: PageFor, alice: User, shop: Resource, query: str, found: int) -> None:
    assert len(page(alice).get("/resources" + query).context["page"].object_list) == found


def test_the_cost_of_the_list_does_not_grow(
    page: PageFor, alice: User, team: Team, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    browser = page(alice)
    Resource.objects.bulk_create(Resource(team=team, name=f"r{number}", type="redis") for number in range(60))
    with django_assert_max_num_queries(13):
        assert len(browser.get("/resources").context["page"].object_list) == 50


def test_an_empty_list_says_what_to_do(page: PageFor, alice: User, vera: User) -> None:
    text = page(alice).get("/resources").content.decode()
    assert all(f"/resources/new?type={kind}" in text for kind in connection_classes())
    assert "/resources/new" not in page(vera).get("/resources").content.decode()


def test_nobody_is_sent_to_sign_in(client: Any, shop: Resource) -> None:
    for path in (
        "/resources",
        "/resources/new",
        f"/resources/{shop.id}",
        "/environments",
        "/environments/new",
    ):
        assert client.get(path).headers["Location"].startswith("/sign-in")


# --- The form -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", connection_classes())
def test_every_type_has_a_form(page: PageFor, alice: User, kind: str) -> None:
    text = page(alice).get(f"/resources/new?type={kind}").content.decode()

    for name in connection_classes()[kind].model_json_schema(by_alias=True)["properties"]:
        assert f'data-place="config.{name}"' in text
    assert f"?type={kind}" in page(alice).get("/resources/new").content.decode()


def test_a_resource_is_made(page: PageFor, bob: User, team: Team) -> None:
    form = {"team": str(team.pk), "name": "cache", "config.host": "localhost", "config.port": "6380"}
    form |= {"config.password": "hunter2hunter2", "config.tls": "true"}
    answer = page(bob).post("/resources/new?type=redis", form)

    made = Resource.objects.get()
    assert answer.headers["Location"] == f"/resources/{made.pk}"
    assert made.config == {"host": "localhost", "port": 6380, "tls": True}
    assert (made.secrets, made.created_by) == ({"password": "hunter2hunter2"}, bob)
    text = page(bob).get(f"/resources/{made.pk}").content.decode()
    assert "set; leave empty to keep" in text
    assert "hunter2" not in text


def test_what_is_wrong_stands_at_its_field(page: PageFor, alice: User, team: Team) -> None:
    form = {
        "team": str(team.pk),
        "name": "cache",
        "config.port": "many",
        "config.tls": "maybe",
        "config.host": "x",
    }
    answer = page(alice).post("/resources/new?type=redis", form)

    bound = {each.field.name: each for each in answer.context["fields"]}
    assert answer.status_code == 422
    assert (bool(bound["port"].problems), bool(bound["tls"].problems), bound["host"].problems) == (
        True,
        True,
        [],
    )
    text = answer.content.decode()
    assert 'value="many"' in text
    assert "maybe" in text
    assert not Resource.objects.exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [("", "enter a name"), ("x" * 151, "at most 150"), ("a\x00b", "NUL"), ("shop", "already has one named")],
)
def test_names_are_checked(
    page: PageFor, alice: User, team: Team, shop: Resource, name: str, told: str
) -> None:
    form = {"team": str(team.pk), "name": name, "config.host": "x"}
    answer = page(alice).post("/resources/new?type=redis", form)

    assert answer.status_code == 422
    assert told in answer.context["name_problems"]["name"]


def test_saving_what_the_form_holds_keeps_secrets(page: PageFor, bob: User, shop: Resource) -> None:
    assert page(bob).post(f"/resources/{shop.pk}", sent(groupName="other")).status_code == 302
    shop.refresh_from_db()
    assert (shop.group_name, shop.config, shop.secrets) == (
        "other",
        {"baseUrl": CONFIG["baseUrl"]},
        {"auth": CONFIG["auth"]},
    )

    page(bob).post(f"/resources/{shop.pk}", sent(config__auth__remove="1"))
    shop.refresh_from_db()
    assert shop.secrets is None


def test_a_changed_config_forgets_its_check(page: PageFor, bob: User, shop: Resource) -> None:
    check_now(resource=shop)
    page(bob).post(f"/resources/{shop.pk}", sent(config__baseUrl=f"{CONFIG['baseUrl']}/v2"))
    shop.refresh_from_db()

    assert shop.last_check is None


def test_a_secret_is_given_again_for_another_server(page: PageFor, bob: User, shop: Resource) -> None:
    answer = page(bob).post(f"/resources/{shop.pk}", sent(config__baseUrl="http://127.0.0.1:2"))
    shop.refresh_from_db()

    assert answer.status_code == 422
    assert "now connects to another server: enter auth again" in answer.content.decode()
    assert shop.config == {"baseUrl": CONFIG["baseUrl"]}


def test_a_secret_is_given_again_for_less_protection(page: PageFor, bob: User, shop: Resource) -> None:
    answer = page(bob).post(f"/resources/{shop.pk}", sent(config__verifyTls="false"))
    shop.refresh_from_db()

    assert answer.status_code == 422
    assert "less protected: enter auth again (changed: verifyTls)" in answer.content.decode()
    assert shop.config == {"baseUrl": CONFIG["baseUrl"]}


# --- Renaming and deleting what is used -----------------------------------------------------------


def test_a_name_that_flows_use_stays(page: PageFor, api: ApiFor, alice: User, shop: Resource) -> None:
    use(api, alice, "shop")
    answer = page(alice).post(f"/resources/{shop.pk}", sent(name="store"))
    assert answer.status_code == 422
    assert "Orders: fetch" in answer.context["name_problems"]["name"]
    assert "<h1>shop" in answer.content.decode()

    refused = api(alice).patch(f"/api/v1/resources/{shop.pk}", {"name": "store"})
    assert (refused.status_code, refused.json()["errors"][0]["attr"]) == (400, "name")
    assert refused.json()["errors"][0]["code"] == "in_use"
    assert api(alice).patch(f"/api/v1/resources/{shop.pk}", {"name": "shop"}).status_code == 200


def test_who_is_named_by_id_may_be_renamed(page: PageFor, api: ApiFor, alice: User, shop: Resource) -> None:
    use(api, alice, str(shop.pk))
    assert page(alice).post(f"/resources/{shop.pk}", sent(name="store")).status_code == 302
    assert Resource.objects.get().name == "store"


def test_deleting_is_refused_with_where_it_is_used(
    page: PageFor, api: ApiFor, alice: User, shop: Resource
) -> None:
    use(api, alice, str(shop.pk))
    save_environment(team=shop.team, user=alice, name="staging", resources={"store": "shop"})
    text = page(alice).post(f"/resources/{shop.pk}/delete", follow=True).content.decode()

    assert "shop was not deleted. It is still used by Orders: fetch; environment staging" in text
    assert Resource.objects.exists()


def test_what_nothing_uses_is_deleted(page: PageFor, alice: User, shop: Resource) -> None:
    answer = page(alice).post(f"/resources/{shop.pk}/delete")
    assert answer.headers["Location"] == "/resources"
    assert not Resource.objects.exists()


# --- Checking -------------------------------------------------------------------------------------


def test_a_check_is_shown_and_kept(page: PageFor, bob: User, shop: Resource) -> None:
    before = shop.updated_at
    text = page(bob).post(f"/resources/{shop.pk}/check").content.decode()

    assert "connection refused" in text
    shop.refresh_from_db()
    assert shop.last_check["ok"] is False
    assert shop.last_check["latencyMs"] >= 0
    assert shop.updated_at == before
    assert "connection refused" in page(bob).get(f"/resources/{shop.pk}").content.decode()


def test_a_check_too_many_is_told(page: PageFor, bob: User, shop: Resource, settings: Settings) -> None:
    settings.MAX_RESOURCE_CHECKS = 0
    answer = page(bob).post(f"/resources/{shop.pk}/check")

    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert "0 checks in progress" in answer.content.decode()
    shop.refresh_from_db()
    assert shop.last_check is None


# --- Who may --------------------------------------------------------------------------------------


def test_a_viewer_reads_only(page: PageFor, vera: User, team: Team, shop: Resource) -> None:
    browser = page(vera)
    text = browser.get(f"/resources/{shop.pk}").content.decode()
    assert "disabled" in text
    assert all(words not in text for words in (">Save<", "Check now", ">Delete<"))
    assert browser.post(f"/resources/{shop.pk}", sent()).status_code == 404
    for path in ("check", "delete"):
        assert browser.post(f"/resources/{shop.pk}/{path}").status_code == 404
    assert browser.post("/resources/new?type=redis", {"team": str(team.pk), "name": "x"}).status_code == 404


def test_an_outsider_gets_404(page: PageFor, charlie: User, team: Team, shop: Resource) -> None:
    browser = page(charlie)
    assert browser.get(f"/resources/{shop.pk}").status_code == 404
    for path in ("", "/check", "/delete"):
        assert browser.post(f"/resources/{shop.pk}{path}", sent()).status_code == 404
    for wanted in (str(team.pk), "nonsense", ""):
        assert browser.post("/resources/new?type=redis", {"team": wanted, "name": "x"}).status_code == 404
    assert "shop" not in browser.get("/resources").context["page"].object_list


def test_the_team_is_chosen_by_who_has_several(
    page: PageFor, alice: User, other_team: Team, team: Team
) -> None:
    assert (
        '<select class="input" id="team"' not in page(alice).get("/resources/new?type=redis").content.decode()
    )
    TeamMembership.objects.create(user=alice, team=other_team, role=TeamMembership.Role.EDITOR)
    text = page(alice).get("/resources/new?type=redis").content.decode()
    assert '<select class="input" id="team"' in text
    assert f'<option value="{other_team.pk}"' in text
    form = {"team": str(other_team.pk), "name": "cache", "config.host": "x"}
    page(alice).post("/resources/new?type=redis", form)
    assert Resource.objects.get().team == other_team


def test_the_current_team_narrows_the_lists(
    page: PageFor, alice: User, other_team: Team, shop: Resource
) -> None:
    TeamMembership.objects.create(user=alice, team=other_team, role=TeamMembership.Role.EDITOR)
    browser = page(alice)
    browser.post("/switch-team", {"team": str(other_team.pk)})
    assert list(browser.get("/resources").context["page"].object_list) == []
    assert list(browser.get("/environments").context["page"].object_list) == []
    assert browser.get("/resources/new?type=redis").context["teams"][0] == other_team


def test_a_secret_whose_key_is_lost_can_be_entered_again(
    page: PageFor, alice: User, shop: Resource, use_keys: UseKeys
) -> None:
    use_keys()
    browser = page(alice)
    shown = browser.get(f"/resources/{shop.pk}")
    assert "cannot be decrypted" in shown.content.decode()
    assert browser.get("/resources").status_code == 200
    new = sent(config__auth="bearer", config__auth__token="another-secret")
    assert browser.post(f"/resources/{shop.pk}", new).status_code == 302
    assert Resource.objects.get().secrets == {"auth": {"type": "bearer", "token": "another-secret"}}
