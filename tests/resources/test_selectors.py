"""Finding resources, and what in them is secret."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Team
from resources.models import Resource
from resources.selectors import connection_of, find_resource, secret_values
from resources.services import save_resource

OAUTH = {
    "type": "oauth2ClientCredentials",
    "tokenUrl": "https://id.example/token",
    "clientId": "client-one",
    "clientSecret": "hunter2hunter2",
}


@pytest.fixture
def shop(team: Team) -> Resource:
    config = {"baseUrl": "https://shop.example", "auth": OAUTH, "clientKey": "-----KEY-----"}
    return save_resource(team=team, user=None, name="shop", type="http", config=config)


def test_by_name_id_and_choice(shop: Resource, team: Team, other_team: Team) -> None:
    assert find_resource(team, "shop", "http") == shop
    assert find_resource(team, str(shop.pk), "http") == shop
    assert find_resource(team, "store", "http", {"store": str(shop.pk)}) == shop


@pytest.mark.parametrize("named", ["store", "", "shop\x00", "0193a5b0-0000-7000-8000-000000000001"])
def test_unknown_names(shop: Resource, team: Team, named: str) -> None:
    assert find_resource(team, named, "http") is None


def test_of_another_type_or_team(shop: Resource, team: Team, other_team: Team) -> None:
    assert find_resource(team, "shop", "sql") is None
    assert find_resource(other_team, str(shop.pk), "http") is None


def test_the_connection_has_the_secrets(shop: Resource) -> None:
    connection: Any = connection_of(Resource.objects.get(pk=shop.pk))

    assert connection.auth.client_secret == "hunter2hunter2"
    assert connection.client_key == "-----KEY-----"


def test_secret_values_are_credentials_only(shop: Resource) -> None:
    assert secret_values(shop) == ["-----KEY-----", "hunter2hunter2"]
    shop.secrets = None
    assert secret_values(shop) == []
