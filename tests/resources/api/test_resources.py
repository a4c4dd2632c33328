"""REST of resources: secrets stay inside, config is checked, what is used cannot be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, User
from resources.connection_checks.check import check_resource
from resources.models import Resource
from resources.selectors import connection_of, find_resource, secret_values
from resources.services import save_resource
from tests.cast import ApiFor
from tests.flows.sample_documents import choose, flow, get
from tests.servers.database_fixtures import Database
from tests.steprunners.target import Exchange, Target

URL = "/api/v1/resources"
AUTH = {"type": "basic", "username": "shopkeeper", "password": "hunter2hunter2"}
SHOP = {"name": "shop", "type": "http", "config": {"baseUrl": "https://shop.example", "auth": AUTH}}


@pytest.fixture
def shop(api: ApiFor, alice: User) -> dict[str, Any]:
    response = api(alice).post(URL, SHOP)
    assert response.status_code == 201, response.json()
    result: dict[str, Any] = response.json()
    return result


def test_it_works(api: ApiFor, bob: User, shop: dict[str, Any], team: Team) -> None:
    found = api(bob).get(f"{URL}/{shop['id']}").json()

    assert found == shop
    assert (found["name"], found["type"], found["teamId"]) == ("shop", "http", str(team.pk))
    assert found["config"] == {"baseUrl": "https://shop.example", "auth": "••••••"}


def test_secrets_are_encrypted_and_reach_the_connection(shop: dict[str, Any], team: Team) -> None:
    resource = find_resource(team, "shop", "http")

    assert resource is not None
    assert "hunter2" not in str(Resource.objects.values_list("config", flat=True))
    connection: Any = connection_of(resource)
    assert connection.auth.password == "hunter2hunter2"
    assert secret_values(resource) == ["hunter2hunter2"]


def test_the_mask_keeps_a_secret_and_null_removes_it(api: ApiFor, bob: User, shop: dict[str, Any]) -> None:
    url = f"{URL}/{shop['id']}"

    changed = api(bob).put(url, {**shop, "groupName": "shops"})
    assert changed.json()["groupName"] == "shops"
    assert Resource.objects.get().secrets == {"auth": AUTH}

    removed = api(bob).patch(url, {"config": {"baseUrl": "https://shop.example", "auth": None}})
    assert removed.json()["config"] == {"baseUrl": "https://shop.example"}
    assert Resource.objects.get().secrets is None


@pytest.mark.parametrize("method", ["put", "patch"])
def test_verification_is_not_taken_from_a_kept_secret(
    api: ApiFor, bob: User, shop: dict[str, Any], method: str
) -> None:
    url = f"{URL}/{shop['id']}"
    weak = {**shop, "config": {**shop["config"], "verifyTls": False}}

    refused = getattr(api(bob), method)(url, weak)
    assert refused.status_code == 400
    assert [(each["attr"], each["code"]) for each in refused.json()["errors"]] == [
        ("config.auth", "weakened")
    ]
    assert Resource.objects.get().config == {"baseUrl": "https://shop.example"}
    given = {**weak, "config": {**weak["config"], "auth": AUTH}}
    assert getattr(api(bob), method)(url, given).status_code == 200


def test_a_mask_without_a_secret_is_refused(api: ApiFor, alice: User, team: Team) -> None:
    response = api(alice).post(
        URL, {**SHOP, "config": {"baseUrl": "https://a.example", "clientKey": "••••••"}}
    )

    assert [each["attr"] for each in response.json()["errors"]] == ["config.clientKey"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"type": "htp"}, "type"),
        ({"config": {"baseUrl": "https://x.example", "baseurl": 1}}, "config.baseurl"),
        ({"config": {"baseUrl": 5}}, "config.baseUrl"),
        ({"config": {}}, "config.baseUrl"),
        ({"config": []}, "config"),
        ({"config": {"baseUrl": "${x}"}}, "config.baseUrl"),
        ({"name": "0193a5b0-0000-7000-8000-000000000001"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "${shop}"}, "name"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(
    api: ApiFor, alice: User, change: dict[str, Any], place: str
) -> None:
    response = api(alice).post(URL, {**SHOP, **change})

    assert response.status_code == 400, response.json()
    assert [each["attr"] for each in response.json()["errors"]] == [place]


def test_a_name_is_taken_once(api: ApiFor, alice: User, shop: dict[str, Any]) -> None:
    response = api(alice).post(URL, SHOP)

    assert response.json()["errors"][0]["code"] == "unique"


def test_type_and_team_stay(api: ApiFor, alice: User, shop: dict[str, Any], other_team: Team) -> None:
    url = f"{URL}/{shop['id']}"

    assert api(alice).patch(url, {"type": "sql"}).json()["errors"][0]["attr"] == "type"
    assert api(alice).patch(url, {"teamId": str(other_team.pk)}).json()["errors"][0]["attr"] == "teamId"


def test_a_viewer_may_read_only(api: ApiFor, vera: User, shop: dict[str, Any]) -> None:
    url = f"{URL}/{shop['id']}"

    assert api(vera).get(url).status_code == 200
    assert api(vera).post(URL, {**SHOP, "name": "other"}).status_code == 403
    assert api(vera).patch(url, {"groupName": "x"}).status_code == 403
    assert api(vera).delete(url).status_code == 403


def test_an_outsider_finds_nothing(api: ApiFor, charlie: User, shop: dict[str, Any]) -> None:
    url = f"{URL}/{shop['id']}"

    assert api(charlie).get(url).status_code == 404
    assert api(charlie).patch(url, {}).status_code == 404
    assert api(charlie).delete(url).status_code == 404
    assert api(charlie).get(URL).json()["count"] == 0
    assert api(charlie).get(f"{URL}/1").status_code == 404


def test_a_used_resource_stays(api: ApiFor, alice: User, shop: dict[str, Any]) -> None:
    inner = get("inner", url="/orders")
    inner["meta"]["resourceId"] = "shop"
    saved = api(alice).post("/api/v1/flows", flow(choose("by_status", inner), name="Orders")).json()

    refused = api(alice).delete(f"{URL}/{shop['id']}")
    assert refused.status_code == 409
    assert "Orders: inner" in refused.json()["errors"][0]["detail"]

    assert api(alice).delete(f"/api/v1/flows/{saved['id']}").status_code == 204
    assert api(alice).delete(f"{URL}/{shop['id']}").status_code == 204


def test_flows_name_resources_that_exist(api: ApiFor, alice: User, shop: dict[str, Any]) -> None:
    step = get(url="/orders")
    for named, status in (("shop", 201), (shop["id"], 201), ("shpo", 400)):
        step["meta"]["resourceId"] = named
        response = api(alice).post("/api/v1/flows", flow(step))
        assert response.status_code == status, response.json()
    error = response.json()["errors"][0]
    assert error["attr"] == "steps.0.meta.resourceId"
    assert "did you mean shop" in error["detail"]


def test_lists_filter_with_few_queries(
    api: ApiFor, alice: User, shop: dict[str, Any], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("a", "b"):
        api(alice).post(URL, {**SHOP, "name": name, "groupName": "letters"})

    with django_assert_num_queries(2):
        names = [each["name"] for each in api(alice).get(URL).json()["results"]]

    assert names == ["a", "b", "shop"]
    assert api(alice).get(URL, {"groupName": "letters", "type": "http"}).json()["count"] == 2
    assert api(alice).get(URL, {"search": "sho"}).json()["count"] == 1


def test_types_are_listed(api: ApiFor, vera: User) -> None:
    types = {each["type"]: each for each in api(vera).get("/api/v1/resource-types").json()}

    assert types["http"]["secretFields"] == ["auth", "clientKey"]
    assert "baseUrl" in types["http"]["configSchema"]["properties"]
    assert types["http"]["stepTypes"] == ["http"]


@pytest.fixture
def server() -> Iterator[Target]:
    with Target() as target:
        target.route("/api", lambda exchange: exchange.reply_json({}))
        target.route("/locked", lambda exchange: exchange.reply(401, reason="Unauthorized"))
        yield target


def checked(api: ApiFor, user: User, config: dict[str, Any], kind: str = "http") -> dict[str, Any]:
    made = api(user).post(URL, {"name": "checked", "type": kind, "config": config})
    assert made.status_code == 201, made.json()
    response = api(user).post(f"{URL}/{made.json()['id']}/check")
    assert response.status_code == 200, response.json()
    result: dict[str, Any] = response.json()
    return result


def test_a_check_connects_for_real(api: ApiFor, alice: User, server: Target) -> None:
    found = checked(api, alice, {"baseUrl": f"{server.url}/api", "auth": AUTH})

    assert (found["ok"], found["message"]) == (True, "the server answers 200 OK")
    assert 0 <= found["latencyMs"] < 60_000
    assert server.received[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("base_url", "told"),
    [
        ("http://127.0.0.1:1", "nothing listens there"),
        ("http://no-such-host.invalid", "no such host"),
        ("http://169.254.169.254/x", "may not be reached"),
        ("http://10.0.0.1/x", "may not be reached"),
    ],
)
def test_a_check_says_what_is_wrong(api: ApiFor, alice: User, base_url: str, told: str) -> None:
    found = checked(api, alice, {"baseUrl": base_url})

    assert found["ok"] is False
    assert told in found["message"]


def test_a_check_says_that_the_login_is_wrong(api: ApiFor, alice: User, server: Target) -> None:
    found = checked(api, alice, {"baseUrl": f"{server.url}/locked", "auth": AUTH})

    assert (found["ok"], found["message"]) == (False, "the server refuses the login: 401 Unauthorized")


def test_a_check_ends_in_time(alice: User, team: Team, server: Target) -> None:
    server.route("/silent", Exchange.hang)
    resource = save_resource(
        team=team, user=alice, name="slow", type="http", config={"baseUrl": f"{server.url}/silent"}
    )
    verdict = check_resource(resource, seconds=0.3)

    assert not verdict.ok
    assert "300 ms" in verdict.message
    assert verdict.latency_ms < 30_000


def test_a_check_of_a_database(api: ApiFor, alice: User, postgresql_database: Database) -> None:
    config = postgresql_database.connection.model_dump(by_alias=True, exclude_none=True)
    assert checked(api, alice, config, "sql")["message"].endswith("answers, database shop")
    wrong = {**config, "password": "not-the-password"}
    Resource.objects.all().delete()
    found = checked(api, alice, wrong, "sql")
    assert not found["ok"]
    assert "password authentication failed" in found["message"]


def test_who_may_check(api: ApiFor, vera: User, charlie: User, shop: dict[str, Any]) -> None:
    assert api(vera).post(f"{URL}/{shop['id']}/check").status_code == 403
    assert api(charlie).post(f"{URL}/{shop['id']}/check").status_code == 404
