"""What a team's flows may refer to, and where resources are used."""

from __future__ import annotations

from accounts.models import Team, User
from flows.document import check_document
from flows.selectors import check_for_team, known_names, known_resources, uses_of
from flows.services import create_flow, delete_flow, save_version
from resources.models import Resource
from resources.services import save_environment, save_resource
from tests.flows.documents import choose, flow, get, wait


def http_resource(team: Team, name: str) -> Resource:
    return save_resource(
        team=team, user=None, name=name, type="http", config={"baseUrl": "https://x.example"}
    )


def test_names_of_all_environments_are_known(team: Team, other_team: Team) -> None:
    for owner, name in ((team, "a"), (team, "b"), (other_team, "c")):
        save_environment(team=owner, user=None, name=name, variables=[{"name": name, "value": 1}])

    assert known_names(team) == {"a", "b"}


def test_resources_are_known_by_id_name_and_choice(team: Team, other_team: Team) -> None:
    shop = http_resource(team, "shop")
    http_resource(other_team, "theirs")
    save_environment(team=team, user=None, name="staging", resources={"store": "shop"})

    assert known_resources(team) == {"shop": "http", str(shop.pk): "http", "store": "http"}


def test_uses_are_those_of_newest_versions(team: Team, alice: User) -> None:
    shop, other = http_resource(team, 'the "shöp"'), http_resource(team, "shop")
    by_name = get("by_name", url="/x")
    by_name["meta"]["resourceId"] = shop.name
    by_id = get("by_id", url="/x")
    by_id["meta"]["resourceId"] = str(shop.pk)
    raw = flow(by_name, choose("c", by_id), name="Orders", description="shop")
    saved = create_flow(team=team, user=alice, document=check_for_team(team, raw))

    assert uses_of(shop) == ["Orders: by_name, by_id"]
    assert uses_of(other) == []

    save_version(flow=saved, user=alice, document=check_document(flow(wait())))
    assert uses_of(shop) == []

    save_version(flow=saved, user=alice, document=check_for_team(team, raw))
    delete_flow(flow=saved)
    assert uses_of(shop) == []
