"""The lab's systems become resources of the demo team, follow the lab, and stay as people left them."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Team, User
from asynctester.demo.resources import RESOURCES, ensure_lab_resources
from resources.models import Resource
from resources.services import save_resource

pytestmark = pytest.mark.django_db


def config_of(team: Team, name: str) -> object:
    return Resource.objects.get(team=team, name=name).config


def test_each_address_becomes_a_resource(team: Team, alice: User) -> None:
    addresses = {
        "shop-db": "mariadb://shop:p%40ss@db.example:3307/ledger",
        "shop-kafka": "a.example:9092,b.example:9092",
        "shop-cache": "rediss://cache.example:6380/4",
        "shop-logs": "http://loki.example:3100",
        "shop-metrics": "http://prometheus.example:9090",
    }
    assert ensure_lab_resources(team=team, user=alice, addresses=addresses) == set(RESOURCES)
    database = Resource.objects.get(team=team, name="shop-db")
    assert database.config.items() >= {
        "engine": "mariadb", "host": "db.example", "port": 3307, "database": "ledger", "user": "shop",
    }.items()  # fmt: skip
    assert database.secrets is not None
    assert database.secrets["password"] == "p@ss"
    cache = Resource.objects.get(team=team, name="shop-cache").config
    assert (cache["host"], cache["port"], cache["database"], cache["tls"]) == ("cache.example", 6380, 4, True)


def test_without_an_address_there_is_no_resource(team: Team, alice: User) -> None:
    assert ensure_lab_resources(team=team, user=alice, addresses={"shop-kafka": ""}) == set()
    assert not Resource.objects.filter(team=team).exists()


def test_those_on_this_machine_follow_the_lab(team: Team, alice: User) -> None:
    here = {
        "shop-db": "sqlite:////a/l.sqlite3",
        "shop-kafka": "127.0.0.1:1",
        "shop-cache": "redis://localhost:1/0",
    }
    ensure_lab_resources(team=team, user=alice, addresses=here)
    unchanged = list(Resource.objects.filter(team=team).values_list("name", "updated_at"))
    ensure_lab_resources(team=team, user=alice, addresses=here)
    assert list(Resource.objects.filter(team=team).values_list("name", "updated_at")) == unchanged

    moved = {
        "shop-db": "sqlite:////b/l.sqlite3",
        "shop-kafka": "127.0.0.1:2",
        "shop-cache": "redis://127.0.0.1:2/0",
    }
    ensure_lab_resources(team=team, user=alice, addresses=moved)
    assert Resource.objects.get(team=team, name="shop-db").config["database"] == "/b/l.sqlite3"
    assert Resource.objects.get(team=team, name="shop-kafka").config["bootstrapServers"] == "127.0.0.1:2"
    assert Resource.objects.get(team=team, name="shop-cache").config["port"] == 2


def test_one_that_somebody_pointed_elsewhere_stays(team: Team, alice: User) -> None:
    theirs = {"bootstrapServers": "kafka.example:9092"}
    save_resource(team=team, user=alice, name="shop-kafka", type="kafka", config=theirs)
    before = config_of(team, "shop-kafka")
    assert ensure_lab_resources(team=team, user=alice, addresses={"shop-kafka": "127.0.0.1:1"}) == {
        "shop-kafka"
    }
    assert config_of(team, "shop-kafka") == before


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("shop-db", "postgresql://user:secret@"),
        ("shop-db", "oracle://user:secret@a/b"),
        ("shop-db", "postgresql://user:secret@a:x/b"),
        ("shop-cache", "http://user:secret@a"),
        ("shop-cache", "redis://user:secret@a/first"),
        ("shop-logs", "loki.example"),
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(
    team: Team, alice: User, name: str, address: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        ensure_lab_resources(team=team, user=alice, addresses={name: address})
    assert "secret" not in str(refusal.value)
