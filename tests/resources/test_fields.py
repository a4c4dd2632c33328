"""JSON columns give every value back exactly; encrypted ones are opened when asked for, and else kept as they are."""

from __future__ import annotations

import pytest
from django import forms
from django.core import serializers
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Team
from resources.fields import Sealed, to_text
from resources.models import Resource
from resources.secrets.encryption import SecretsUnreadable
from steprunners.json_types import Json
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


# --- JSON as text --------------------------------------------------------------------------------

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=20),  # NUL and halves of characters too
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def stored(resource: Resource) -> dict[str, str | None]:
    """Return what the database holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT config, secrets, last_check FROM resources_resource WHERE name = %s", [resource.name]
        )
        return dict(zip(("config", "secrets", "last_check"), cursor.fetchone(), strict=True))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=values, secrets=values)
def test_every_value_comes_back(team: Team, config: Json, secrets: Json) -> None:
    Resource.objects.all().delete()
    made = Resource.objects.create(
        team=team, name="x", type="http", config={"v": config}, secrets={"v": secrets}
    )
    found = Resource.objects.get(pk=made.pk)

    assert repr(found.config) == repr({"v": config})
    assert repr(found.secrets) == repr({"v": secrets})


def test_keys_keep_their_order_and_text_is_ascii(team: Team) -> None:
    made = Resource.objects.create(team=team, name="x", type="http", config={"b": "ö", "a": "\x00"})
    assert stored(made)["config"] == r'{"b": "\u00f6", "a": "\u0000"}'


def test_none_is_null(team: Team) -> None:
    made = Resource.objects.create(team=team, name="x", type="http", secrets=None, last_check=None)
    assert stored(made) == {"config": "{}", "secrets": None, "last_check": None}
    found = Resource.objects.get()
    assert (found.secrets, found.last_check) == (None, None)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_json_does_not_have_is_refused(value: Json) -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_text(value)


def test_look_ups_compare_text(team: Team) -> None:
    Resource.objects.create(team=team, name="x", type="http", config={"labels": ["smoke"]})
    assert Resource.objects.filter(config__contains='"smoke"').exists()
    assert not Resource.objects.filter(config__contains='"smo"').exists()
    assert Resource.objects.filter(config={"labels": ["smoke"]}).exists()


def test_forms_edit_json() -> None:
    assert isinstance(Resource._meta.get_field("config").formfield(), forms.JSONField)
