"""Tests of `resources.secrets.entries`, and of resources whose headers hold secrets."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Team, User
from resources.models import Resource
from resources.secrets.entries import apart, together
from resources.selectors import connection_of, secret_values
from steprunners.masking.secret_names import tells_secret
from tests.cast import ApiFor, PageFor

SECRET = "hunter2hunter2"
CONFIG: dict[str, Any] = {
    "baseUrl": "https://shop.example",
    "headers": {"Accept": "text/plain", "X-Api-Key": SECRET},
}
NAMES = st.sampled_from(["Accept", "Authorization", "X.Token", "cookie", ""])


@pytest.mark.parametrize(
    ("name", "tells"),
    [
        *[(name, True) for name in ("Authorization", "Cookie", "x-api-key", "X-Auth-Token", "apiKey", "X-Session")],
        *[(name, True) for name in ("X-Functions-Key", "DD-APPLICATION-KEY", "X-JWT-Assertion", "db-pwd")],
        *[(name, False) for name in ("Accept", "Content-Type", "X-Request-Id", "X-Tenant", "Idempotency-Key", "")],
    ],
)  # fmt: skip
def test_names_tell(name: str, tells: bool) -> None:
    assert tells_secret(name) is tells


@given(st.dictionaries(NAMES, st.none() | st.text(max_size=3)), st.dictionaries(NAMES, st.text(max_size=3)))
def test_what_was_set_apart_comes_together(headers: dict[str, Any], other: dict[str, Any]) -> None:
    config = {"headers": headers, "other": other}
    plain, entries = apart(config, ["headers", "absent"])
    assert together(plain, entries) == config
    assert plain["other"] == other
    assert not any(tells_secret(name) for name, value in plain["headers"].items() if value is not None)


def test_what_a_system_repeats_of_a_header_is_masked(api: ApiFor, alice: User) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "X-Api-Key": 1234567, "Accept": "text/plain"}
    config = {**CONFIG, "headers": headers}
    api(alice).post("/api/v1/resources", {"name": "shop", "type": "http", "config": config})
    assert secret_values(Resource.objects.get()) == ["1234567", f"Bearer {SECRET}", SECRET]


@pytest.fixture
def shop(api: ApiFor, alice: User) -> Resource:
    answer = api(alice).post("/api/v1/resources", {"name": "shop", "type": "http", "config": CONFIG})
    assert answer.json()["config"]["headers"] == {"Accept": "text/plain", "X-Api-Key": "••••••"}
    return Resource.objects.get()


def test_it_is_encrypted_and_masked_and_sent(shop: Resource) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM resources_resource")
        assert SECRET not in str(cursor.fetchall())
    assert connection_of(shop).model_dump()["headers"] == CONFIG["headers"]
    assert secret_values(shop) == [SECRET]


def test_its_form_keeps_it_changes_it_and_takes_it_away(
    shop: Resource, page: PageFor, alice: User, team: Team
) -> None:
    browser, path = page(alice), f"/resources/{shop.pk}"
    shown = browser.get(path).content.decode()
    assert "X-Api-Key: ••••••" in shown
    assert SECRET not in shown
    sent = {"name": "shop", "team": str(team.pk), "config.baseUrl": CONFIG["baseUrl"]}
    for headers, kept in (
        ("Accept: text/plain\nX-Api-Key: ••••••", {"headers.X-Api-Key": SECRET}),
        ("X-Api-Key: quite another", {"headers.X-Api-Key": "quite another"}),
        ("Accept: text/plain", None),
    ):
        assert browser.post(path, {**sent, "config.headers": headers}).status_code == 302
        shop.refresh_from_db()
        assert shop.secrets == kept
