"""Configs to texts and back, for every type of resource."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.pages.config_form import REMOVE, bound_fields, config_of, shown_places, texts_of
from steprunners.documents.form_fields import FormField, form_fields
from steprunners.documents.problems import Problem
from steprunners.masking.credentials import MASK
from steprunners.registry import connection_classes

CONFIGS: dict[str, dict[str, Any]] = {
    "http": {"baseUrl": "https://x.example", "headers": {"X-A": "1: 2", "X-B": ""}, "verifyTls": False},
    "kafka": {"bootstrapServers": "a:1,b:2", "options": {"clientId": "me"}, "securityProtocol": "SSL"},
    "loki": {"url": "http://x", "timeout": "30s", "tenant": "a"},
    "prometheus": {"url": "http://x", "timeout": 1.5},
    "redis": {"host": "x", "port": 6380, "tls": True, "database": 0},
    "sql": {"engine": "mariadb", "host": "x", "database": "d", "caCertificate": "---\nA\n---\n"},
}


def fields_of(kind: str) -> tuple[FormField, ...]:
    return form_fields(connection_classes()[kind])


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_config_comes_back_from_its_texts(kind: str) -> None:
    assert set(CONFIGS) == set(connection_classes())
    fields = fields_of(kind)

    assert config_of(fields, texts_of(fields, CONFIGS[kind]), ()) == CONFIGS[kind]


@given(st.dictionaries(st.sampled_from([each.name for each in fields_of("redis")]), st.text(max_size=30)))
def test_whatever_is_sent_is_a_config_to_be_checked(sent: dict[str, str]) -> None:
    config = config_of(fields_of("redis"), {f"config.{name}": text for name, text in sent.items()}, ())

    assert config.keys() <= sent.keys()


def test_an_empty_secret_keeps_what_is_set() -> None:
    fields = fields_of("sql")
    texts = {"config.engine": "sqlite", "config.database": "x"}

    assert "password" not in config_of(fields, texts, ())
    assert config_of(fields, texts, ["password"])["password"] == MASK
    assert config_of(fields, {**texts, "config.password": "new"}, ["password"])["password"] == "new"
    assert "password" not in config_of(fields, {**texts, f"config.password{REMOVE}": "1"}, ["password"])


def test_a_kind_of_sign_in_is_chosen() -> None:
    fields = fields_of("http")
    bearer = {"config.baseUrl": "https://x.example", "config.auth": "bearer", "config.auth.token": "t"}

    assert config_of(fields, bearer, ["auth"])["auth"] == {"type": "bearer", "token": "t"}
    assert config_of(fields, {**bearer, "config.auth": ""}, ["auth"])["auth"] == MASK
    assert "auth" not in config_of(fields, {**bearer, "config.auth": ""}, ())
    assert config_of(fields, {**bearer, "config.auth": "odd"}, ())["auth"] == "odd"


def test_headers_are_lines_or_json() -> None:
    fields = fields_of("http")
    for text, value in [
        ("X-A: 1\r\n\r\n X-B :b:c ", {"X-A": "1", "X-B": "b:c"}),
        ('{"X-A": null}', {"X-A": None}),
        ("no colon", "no colon"),
        ("A: 1\nA: 2", "A: 1\nA: 2"),
        ("{broken", "{broken"),
    ]:
        assert config_of(fields, {"config.headers": text}, ())["headers"] == value


def test_secrets_are_never_in_the_texts() -> None:
    fields = fields_of("http")
    shown = texts_of(fields, {"auth": {"type": "bearer", "token": "hunter2"}, "clientKey": "hunter2"})

    assert shown == {}


def test_problems_stand_at_their_fields() -> None:
    problems = [Problem("config.auth.token", "x", "no token"), Problem("config.auth", "x", "odd")]
    problems.append(Problem("config.gone", "x", "unknown"))
    bound = {each.field.name: each for each in bound_fields(fields_of("http"), {}, ["auth"], problems)}

    auth = bound["auth"]
    assert (auth.is_set, auth.problems) == (True, ["odd"])
    (token,) = dict(auth.variants)["bearer"]
    assert (token.problems, token.is_masked) == (["no token"], True)
    username = dict(auth.variants)["basic"][0]
    assert not username.is_masked
    assert {"config.auth.token", "config.auth.type"} <= shown_places(bound.values())
    assert "config.gone" not in shown_places(bound.values())


def test_a_text_that_is_no_choice_is_kept() -> None:
    bound = {each.field.name: each for each in bound_fields(fields_of("redis"), {"config.tls": "maybe"}, ())}

    assert bound["tls"].has_other_text
    assert not bound["verifyTls"].has_other_text
    assert (bound["port"].default_text, bound["username"].default_text) == ("6379", "")
