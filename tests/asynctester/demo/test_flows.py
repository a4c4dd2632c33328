"""The lab's flows arrive once, follow the lab, and stay as people left them."""

from __future__ import annotations

import pytest

from accounts.models import Team, User
from asynctester.demo.flows import ensure_lab_environment, ensure_lab_flows
from asynctester.demo.resources import ensure_lab_resources
from flows.models import Flow
from flows.selectors import load_document, newest_version
from flows.services import delete_flow

HERE = "http://127.0.0.1:8001"
THERE = "http://127.0.0.1:9009"

pytestmark = pytest.mark.django_db


def default_address(flow: Flow) -> object:
    document = load_document(newest_version(flow)).to_json()
    variables = document["variables"]
    assert isinstance(variables, list)
    return next(
        each["defaultValue"] for each in variables if isinstance(each, dict) and each["name"] == "base_url"
    )


def test_the_flows_are_made_once(team: Team, alice: User) -> None:
    first = ensure_lab_flows(team=team, user=alice, lab_url=HERE)
    assert first is not None
    assert first.name == "Order is fulfilled"
    assert ensure_lab_flows(team=team, user=alice, lab_url=HERE) == first
    assert list(Flow.objects.filter(team=team).values_list("version", flat=True)) == [1, 1]


def test_the_whole_tour_comes_first_where_all_its_resources_are_there(team: Team, alice: User) -> None:
    addresses = {"shop-db": "sqlite:///l.sqlite3", "shop-kafka": "a:1", "shop-cache": "redis://a:1/0"}
    resources = ensure_lab_resources(team=team, user=alice, addresses=addresses)
    first = ensure_lab_flows(team=team, user=alice, lab_url=HERE, resources=resources)
    assert first is not None
    assert first.name == "Order reaches every system"
    assert Flow.objects.filter(team=team).count() == 3
    few = ensure_lab_flows(team=team, user=alice, lab_url=HERE, resources={"shop-db"})
    assert few is not None
    assert few.name == "Order is fulfilled"


def test_they_follow_a_lab_that_moved(team: Team, alice: User) -> None:
    ensure_lab_flows(team=team, user=alice, lab_url=HERE)
    flow = ensure_lab_flows(team=team, user=alice, lab_url=THERE)
    assert flow is not None
    flow.refresh_from_db()
    assert flow.version == 2
    assert default_address(flow) == THERE


def test_a_deleted_flow_stays_deleted(team: Team, alice: User) -> None:
    flow = ensure_lab_flows(team=team, user=alice, lab_url=HERE)
    assert flow is not None
    delete_flow(flow=flow)
    assert ensure_lab_flows(team=team, user=alice, lab_url=HERE) is None
    assert Flow.objects.alive().filter(team=team).count() == 1


def test_the_environment_keeps_what_people_added(team: Team, alice: User) -> None:
    environment = ensure_lab_environment(team=team, user=alice, lab_url=HERE)
    environment.variables.append({"name": "extra", "type": "integer", "value": 1})
    environment.save()
    moved = ensure_lab_environment(team=team, user=alice, lab_url=THERE)
    assert moved == environment
    assert {each["name"]: each["value"] for each in moved.variables} == {"base_url": THERE, "extra": 1}
