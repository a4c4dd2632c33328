"""People are told of secrets too short to be masked everywhere, and of those that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Team, User
from resources.models import Environment, Resource
from resources.secret_warnings import short_secrets, warnings_of
from tests.cast import ApiFor, PageFor
from tests.resources.keys import UseKeys

CONFIG = {"host": "127.0.0.1", "password": "tiger"}


@pytest.fixture
def editor(bob: User, api: ApiFor) -> APIClient:
    return api(bob)


@pytest.mark.parametrize(
    ("value", "warned"),
    [
        ("tiger", True),
        ("tigers", False),
        ("", False),
        (None, False),
        (42, True),
        ({"deep": ["long enough", "ab"]}, True),
        ({"type": "basic", "username": "me", "password": "long enough"}, False),
    ],
)
def test_what_is_too_short(value: Any, warned: bool) -> None:
    assert bool(short_secrets([(("place",), value)])) is warned


def test_saving_a_resource_tells(editor: APIClient) -> None:
    saved = editor.post("/api/v1/resources", {"name": "cache", "type": "redis", "config": CONFIG})

    assert saved.status_code == 201
    [warning] = saved.json()["warnings"]
    assert (warning["code"], warning["attr"]) == ("short_secret", "config.password")
    assert "shorter than 6 characters" in warning["detail"]
    assert "tiger" not in saved.text

    longer = {"config": {**CONFIG, "password": "a long one"}}
    assert editor.patch(f"/api/v1/resources/{saved.json()['id']}", longer).json()["warnings"] == []


def test_saving_an_environment_tells(editor: APIClient) -> None:
    variables = [{"name": "a", "value": "x"}, {"name": "pin", "value": 4711, "secret": True}]

    saved = editor.post("/api/v1/environments", {"name": "staging", "variables": variables})

    assert [each["attr"] for each in saved.json()["warnings"]] == ["variables.1.value"]


def test_pages_tell(bob: User, page: PageFor, team: Team) -> None:
    resource = Resource.objects.create(team=team, name="cache", type="redis", secrets={"password": "tiger"})

    shown = page(bob).get(f"/resources/{resource.pk}").content.decode()

    assert "config.password: This secret is shorter than 6 characters" in shown
    assert "tiger" not in shown


def test_a_lost_key_is_told_and_the_secret_can_be_entered_again(
    editor: APIClient, bob: User, page: PageFor, team: Team, use_keys: UseKeys
) -> None:
    lost = Resource.objects.create(
        team=team, name="cache", type="redis", config={"host": "127.0.0.1"}, secrets={"password": "lost one"}
    )
    Environment.objects.create(team=team, name="lost", secrets={"a": "lost one"})
    use_keys()

    listed = editor.get("/api/v1/resources").json()["results"]
    assert [each["code"] for each in listed[0]["warnings"]] == ["secret_unreadable"]
    assert editor.get("/api/v1/environments").json()["results"][0]["warnings"][0]["attr"] == "variables"
    shown = page(bob).get(f"/resources/{lost.pk}")
    assert "A stored secret cannot be decrypted" in shown.content.decode()
    checked = editor.post(f"/api/v1/resources/{lost.pk}/check").json()
    assert checked["ok"] is False
    assert "Enter the secret again" in checked["message"]

    masked = editor.patch(
        f"/api/v1/resources/{lost.pk}", {"config": {"host": "127.0.0.1", "password": "••••••"}}
    )
    assert masked.json()["errors"][0]["code"] == "masked"
    again = editor.patch(f"/api/v1/resources/{lost.pk}", {"config": {**CONFIG, "password": "a new one"}})
    assert again.json()["warnings"] == []
    assert Resource.objects.get().secrets == {"password": "a new one"}
    assert warnings_of(Resource.objects.get()) == []


def test_the_admin_shows_a_lost_key(
    editor: APIClient, alice: User, page: PageFor, team: Team, use_keys: UseKeys
) -> None:
    lost = Resource.objects.create(team=team, name="cache", type="redis", secrets={"password": "lost one"})
    use_keys()
    alice.is_staff = alice.is_superuser = True
    alice.save()

    shown = page(alice).get(f"/admin/resources/resource/{lost.pk}/change/")

    assert shown.status_code == 200
    assert "A stored secret cannot be decrypted" in shown.content.decode()


def test_headers_from_before_they_were_secret_are_told_until_they_are_saved_again(
    editor: APIClient, team: Team
) -> None:
    headers = {"Accept": "text/plain", "X-Api-Key": "shown as it is"}
    config = {"baseUrl": "https://shop.example", "headers": headers}
    old = Resource.objects.create(team=team, name="shop", type="http", config=config)
    url = f"/api/v1/resources/{old.pk}"

    found = editor.get(url).json()

    told = [(each["code"], each["attr"]) for each in found["warnings"]]
    assert told == [("shown_credential", "config.headers.X-Api-Key")]
    saved = editor.patch(url, {"config": found["config"]}).json()
    assert saved["warnings"] == []
    assert saved["config"]["headers"] == {"Accept": "text/plain", "X-Api-Key": "••••••"}
