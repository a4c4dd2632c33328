"""Tests of `accounts.api.views.audit_log`, its filters and its CSV."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.api.base import milliseconds
from accounts.audit import log as audit
from accounts.models import AuditEvent, Team, User
from tests.cast import ApiFor, PageFor

LOG = "/api/v1/audit-log"


@pytest.fixture
def events(alice: User, bob: User, team: Team, other_team: Team) -> None:
    AuditEvent.objects.create(
        action="flow.old", door="API", team_id=team.pk, at=timezone.now() - timedelta(days=2)
    )
    audit.record(actor=alice, action="flow.delete", team=team, target=team, detail={"version": 3})
    audit.record(actor=bob, action="execution.start", team=team, target=bob)
    audit.record(actor=alice, action="flow.delete", team=other_team)


def _actions(client: APIClient, **query: Any) -> list[str]:
    answer = client.get(f"{LOG}?{urlencode(query)}")
    assert answer.status_code == 200, answer.json()
    return [event["action"] for event in answer.json()["results"]]


@pytest.mark.usefixtures("events")
def test_an_event_as_it_is_shown(
    api: ApiFor, alice: User, team: Team, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = api(alice)
    with django_assert_max_num_queries(5):
        (shown,) = client.get(f"{LOG}?action=flow.delete").json()["results"]
    event = AuditEvent.objects.get(pk=shown["id"])
    assert shown == {
        "id": str(event.pk),
        "at": milliseconds(event.at),
        "action": "flow.delete",
        "userId": str(alice.pk),
        "userEmail": "alice@example.com",
        "organisationId": str(team.organisation_id),
        "teamId": str(team.pk),
        "teamName": "Checkout",
        "objectType": "team",
        "objectId": str(team.pk),
        "objectName": "Checkout",
        "door": "SYSTEM",
        "ip": None,
        "userAgent": "",
        "tokenId": None,
        "detail": {"version": 3},
    }
    assert client.get(f"{LOG}/{event.pk}").json() == shown


@pytest.mark.usefixtures("events")
def test_filters(api: ApiFor, alice: User, bob: User, team: Team, other_team: Team) -> None:
    client = api(alice)
    newest_first = ["execution.start", "flow.delete", "flow.old"]
    yesterday = milliseconds(timezone.now() - timedelta(days=1))
    assert _actions(client) == newest_first
    assert _actions(client, ordering="at") == newest_first[::-1]
    assert _actions(client, user=bob.pk) == _actions(client, user="BOB@example.com") == ["execution.start"]
    assert _actions(client, action="flow") == ["flow.delete", "flow.old"]
    assert _actions(client, action="flow.d") == []
    assert _actions(client, objectType="user", objectId=bob.pk) == ["execution.start"]
    assert _actions(client, until=yesterday) == ["flow.old"]
    assert _actions(client, since=yesterday, action="flow") == ["flow.delete"]
    assert _actions(client, teamId=team.pk) == newest_first
    assert _actions(client, teamId=other_team.pk) == []
    assert _actions(client, door="system") == ["execution.start", "flow.delete"]
    assert _actions(client, search="alice") == ["flow.delete"]
    for wrong in ("since=x", "teamId=x", "until=-1", "tokenId=1"):
        assert client.get(f"{LOG}?{wrong}").status_code == 400


@pytest.mark.usefixtures("events")
def test_others_read_what_is_theirs(api: ApiFor, bob: User, vera: User, charlie: User) -> None:
    assert _actions(api(bob)) == _actions(api(vera)) == []
    assert _actions(api(charlie)) == ["flow.delete"]
    strange = AuditEvent.objects.filter(action="execution.start").get()
    assert api(charlie).get(f"{LOG}/{strange.pk}").status_code == 404
    assert api(bob).get(f"{LOG}/{strange.pk}").status_code == 404
    assert APIClient().get(LOG).status_code == 401


@pytest.mark.usefixtures("events")
def test_nobody_writes_it(api: ApiFor, alice: User) -> None:
    event = AuditEvent.objects.filter(action="execution.start").get()
    for method, path in (
        ("post", LOG),
        ("put", f"{LOG}/{event.pk}"),
        ("patch", f"{LOG}/{event.pk}"),
        ("delete", f"{LOG}/{event.pk}"),
    ):
        assert getattr(api(alice), method)(path).status_code == 405


@pytest.mark.usefixtures("events")
def test_exports(api: ApiFor, alice: User) -> None:
    audit.record(actor=alice, action="flow.save", team=Team.objects.get(name="Checkout"), detail={"a": 1})
    AuditEvent(
        action="flow.evil", door="API", team_id=Team.objects.get(name="Checkout").pk, target_name="=1+1"
    ).save()
    answer = api(alice).get(f"{LOG}/export?format=csv&action=flow")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["action"] for row in rows] == ["flow.evil", "flow.save", "flow.delete", "flow.old"]
    assert rows[0]["objectName"] == "'=1+1"
    assert rows[1]["detail"] == '{"a": 1}'
    as_json = api(alice).get(f"{LOG}/export?format=json&action=flow")
    assert [event["action"] for event in as_json.json()] == [row["action"] for row in rows]
    assert _actions(api(alice), action="audit") == ["audit.export"] * 2
    assert api(alice).get(f"{LOG}/export?since=x").status_code == 400


def test_a_real_request_says_where_it_came_from(page: PageFor, alice: User, team: Team) -> None:
    client = page(alice)
    client.patch(
        f"/api/v1/teams/{team.pk}",
        {"name": "Till"},
        content_type="application/json",
        REMOTE_ADDR="192.0.2.9",
        HTTP_USER_AGENT="Firefox",
    )
    event = AuditEvent.objects.get(action="team.rename")
    assert (event.actor_name, event.door, event.ip, event.user_agent) == (
        "alice@example.com",
        "PAGE",
        "192.0.2.9",
        "Firefox",
    )
    assert (event.target_name, event.detail) == ("Till", {"from": "Checkout"})
