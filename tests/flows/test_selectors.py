"""What a team's flows may refer to, and where resources are used."""

from __future__ import annotations

from accounts.models import Team
from flows.selectors import known_names, known_resources
from resources.models import Resource
from resources.services import save_environment, save_resource


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
