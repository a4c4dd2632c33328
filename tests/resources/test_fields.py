"""JSON columns: every value comes back exactly; encrypted ones are unreadable in the database and without the key."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django import forms
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import Team
from resources.fields import to_text
from resources.models import Resource
from resources.secrets import SecretsUnreadable
from steprunners.json_types import Json

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


def test_secrets_are_encrypted_at_rest(team: Team, settings: Settings) -> None:
    made = Resource.objects.create(team=team, name="x", type="http", secrets={"token": "hunter2"})
    token = stored(made)["secrets"]
    assert token is not None
    assert "hunter2" not in token

    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    found = Resource.objects.get()  # whoever does not ask for the secret is not troubled
    with pytest.raises(SecretsUnreadable):
        _ = found.secrets
    found.namespace = "changed"
    found.save()
    assert stored(made)["secrets"] == token
