"""Encrypted values: opened when asked for, and kept as they are by whoever does not ask."""

from __future__ import annotations

import pytest
from django.core import serializers

from accounts.models import Team
from resources.fields import Sealed
from resources.models import Resource
from resources.secrets import SecretsUnreadable
from tests.resources.keys import UseKeys

SECRETS = {"password": "hunter2-hunter2"}


@pytest.fixture
def resource(use_keys: UseKeys, team: Team) -> Resource:
    return Resource.objects.create(team=team, name="cache", type="redis", secrets=SECRETS)


def test_the_database_holds_a_token(resource: Resource) -> None:
    [sealed] = Resource.objects.values_list("secrets", flat=True)

    assert isinstance(sealed, Sealed)
    assert "hunter2" not in sealed.token
    assert "hunter2" not in repr(sealed)
    assert Resource.objects.get().secrets == SECRETS
    assert Resource.objects.defer("secrets").get().secrets == SECRETS


def test_a_lost_key_troubles_only_who_asks(resource: Resource, use_keys: UseKeys) -> None:
    [old] = use_keys()
    Resource.objects.update(secrets=SECRETS)
    use_keys()
    loaded = Resource.objects.get()

    with pytest.raises(SecretsUnreadable):
        loaded.secrets  # noqa: B018 - reading it is the test
    loaded.name = "renamed"
    loaded.save()

    use_keys(old)
    again = Resource.objects.get()
    assert (again.name, again.secrets) == ("renamed", SECRETS)


def test_a_changed_value_is_written(resource: Resource) -> None:
    loaded = Resource.objects.get()
    loaded.secrets["user"] = "root"
    loaded.save()
    assert Resource.objects.get().secrets == {**SECRETS, "user": "root"}

    loaded.secrets = None
    loaded.save()
    assert Resource.objects.get().secrets is None


def test_fixtures_hold_tokens_and_load_them(resource: Resource) -> None:
    text = serializers.serialize("json", [Resource.objects.get()])
    assert "hunter2" not in text
    Resource.objects.all().delete()

    for loaded in serializers.deserialize("json", text):
        loaded.save()

    assert Resource.objects.get().secrets == SECRETS
