"""Checks of the keys: what `manage.py check` and /readyz say."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.test import Client
from pytest_django import Settings

from accounts.models import Team
from resources.models import Environment, Resource
from tests.resources.keys import UseKeys

pytestmark = pytest.mark.django_db


def ids(**options: object) -> list[str | None]:
    return [each.id for each in run_checks(**options) if str(each.id).startswith("resources.")]  # type: ignore[arg-type]  # passed on


def test_all_is_well(use_keys: UseKeys, team: Team, client: Client) -> None:
    Environment.objects.create(team=team, name="a", secrets={"a": "readable"})

    assert ids(databases=["default"]) == []
    assert client.get("/readyz?parts=database,broker").json()["warnings"] == []


def test_a_lost_key_is_told(use_keys: UseKeys, team: Team, client: Client) -> None:
    Environment.objects.create(team=team, name="a", secrets={"a": "lost"})
    Resource.objects.create(team=team, name="b", type="redis", secrets={"password": "lost"})
    use_keys()

    assert ids(databases=["default"]) == ["resources.W002"]
    assert ids() == [], "the database is asked only where that is wanted"
    answer = client.get("/readyz?parts=database,broker")
    assert answer.status_code == 200, "everything else works"
    assert answer.json()["warnings"][0]["code"] == "secret_unreadable"


def test_a_key_file_that_others_read(use_keys: UseKeys, settings: Settings) -> None:
    settings.SECRETS_KEY_FILE.chmod(0o644)
    assert ids() == ["resources.W001"]


def test_keys_that_are_none(use_keys: UseKeys, settings: Settings) -> None:
    settings.SECRETS_KEYS = ["nonsense"]
    assert ids() == ["resources.E001"]
