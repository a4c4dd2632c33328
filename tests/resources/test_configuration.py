"""Configs: what is shown and what is secret."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.configuration import Invalid, configure, masked
from steprunners.json_types import Json

BEARER: dict[str, Json] = {"type": "bearer", "token": "hunter2"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("••••••"),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["baseUrl", "headers", "auth", "verifyTls", "clientKey", "caCertificate", "x"])


def test_secrets_are_split_off() -> None:
    configuration = configure("http", {"baseUrl": "https://a.example", "auth": BEARER, "clientKey": None})

    assert configuration.shown == {"baseUrl": "https://a.example"}
    assert configuration.secrets == {"auth": BEARER}
    assert masked(configuration.shown, configuration.secrets) == {
        "baseUrl": "https://a.example",
        "auth": "••••••",
    }


def test_the_mask_keeps_what_was_there() -> None:
    config = {"baseUrl": "https://b.example", "auth": "••••••"}

    assert configure("http", config, {"auth": BEARER}).secrets == {"auth": BEARER}
    with pytest.raises(Invalid) as caught:
        configure("http", config)
    assert [each.place for each in caught.value.problems] == ["config.auth"]


def test_headers_that_tell_a_secret_are_split_off() -> None:
    headers: dict[str, Json] = {"Accept": "text/plain", "X-Api-Key": "hunter2hunter2", "Cookie": None}
    configuration = configure("http", {"baseUrl": "https://a.example", "headers": headers})

    assert configuration.shown["headers"] == {"Accept": "text/plain", "Cookie": None}
    assert configuration.secrets == {"headers.X-Api-Key": "hunter2hunter2"}
    shown = masked(configuration.shown, configuration.secrets)
    assert shown["headers"] == {"Accept": "text/plain", "Cookie": None, "X-Api-Key": "••••••"}
    assert configure("http", shown, configuration.secrets) == configuration
    renamed = {**shown, "headers": {"X-Shop": "••••••"}}
    with pytest.raises(Invalid) as caught:
        configure("http", renamed, configuration.secrets, configuration.shown)
    assert [each.place for each in caught.value.problems] == ["config.headers.X-Shop"]
    moved = {**shown, "baseUrl": "https://b.example"}
    for config, kept, code in ((moved, configuration.secrets, "moved"), (shown, {}, "masked")):
        with pytest.raises(Invalid) as caught:
            configure("http", config, kept, configuration.shown)
        assert [(each.place, each.code) for each in caught.value.problems] == [
            ("config.headers.X-Api-Key", code)
        ]


@pytest.mark.parametrize(
    "auth", [{**BEARER, "token": "••••••"}, {"type": "basic", "username": "u", "password": "••••••"}]
)
def test_the_mask_inside_a_secret_is_no_value(auth: Json) -> None:
    with pytest.raises(Invalid) as caught:
        configure("http", {"baseUrl": "https://a.example", "auth": auth}, {"auth": BEARER})
    assert [(each.place, each.code) for each in caught.value.problems] == [("config.auth", "masked")]


@pytest.mark.parametrize(
    ("kind", "before", "after", "secret"),
    [
        ("http", {"baseUrl": "https://a.example"}, {"baseUrl": "https://b.example"}, "clientKey"),
        ("http", {"baseUrl": "https://a.example"}, {"baseUrl": "http://a.example"}, "clientKey"),
        ("redis", {"host": "a.example"}, {"host": "b.example"}, "password"),
        ("redis", {"host": "a.example"}, {"host": "a.example", "port": 7000}, "password"),
        ("kafka", {"bootstrapServers": "a:9092"}, {"bootstrapServers": "a:9092,b:9092"}, "password"),
        ("loki", {"url": "https://a.example"}, {"url": "https://b.example"}, "authToken"),
    ],
)
def test_a_secret_does_not_move_to_another_server(
    kind: str, before: dict[str, Json], after: dict[str, Json], secret: str
) -> None:
    kept: dict[str, Json] = {secret: "hunter2"}
    assert configure(kind, {**before, secret: "••••••"}, kept, before).secrets == kept
    with pytest.raises(Invalid) as caught:
        configure(kind, {**after, secret: "••••••"}, kept, before)
    assert [(each.place, each.code) for each in caught.value.problems] == [(f"config.{secret}", "moved")]
    assert configure(kind, {**after, secret: "new"}, kept, before).secrets == {secret: "new"}


@pytest.mark.parametrize(
    ("kind", "before", "after", "secret"),
    [
        ("http", {"baseUrl": "https://a.example"}, {"verifyTls": False}, "clientKey"),
        ("loki", {"url": "https://a.example"}, {"verifyTls": False}, "authToken"),
        ("prometheus", {"url": "https://a.example", "verifyTls": True}, {"verifyTls": False}, "authToken"),
        ("redis", {"host": "a.example", "tls": True}, {"tls": False}, "password"),
        ("redis", {"host": "a.example", "tls": True}, {"verifyTls": False}, "password"),
        (
            "sql",
            {"engine": "postgresql", "host": "a", "user": "u", "database": "d", "tls": "verify"},
            {"tls": "require"},
            "password",
        ),
        (
            "kafka",
            {"bootstrapServers": "a:9092", "securityProtocol": "SASL_SSL", "username": "u"},
            {"securityProtocol": "SASL_PLAINTEXT"},
            "password",
        ),
        (
            "kafka",
            {"bootstrapServers": "a:9092", "securityProtocol": "SASL_SSL", "username": "u"},
            {"saslMechanism": "PLAIN"},
            "password",
        ),
        (
            "kafka",
            {"bootstrapServers": "a:9092", "securityProtocol": "SASL_SSL", "username": "u"},
            {"options": {"verifyTls": False}},
            "password",
        ),
    ],
)
def test_a_secret_is_given_again_where_it_is_less_protected(
    kind: str, before: dict[str, Json], after: dict[str, Json], secret: str
) -> None:
    kept: dict[str, Json] = {secret: "hunter2"}
    weaker = {**before, **after}
    with pytest.raises(Invalid) as caught:
        configure(kind, {**weaker, secret: "••••••"}, kept, before)
    assert [(each.place, each.code) for each in caught.value.problems] == [(f"config.{secret}", "weakened")]
    assert next(iter(after)) in caught.value.problems[0].message
    assert configure(kind, {**weaker, secret: "new"}, kept, before).secrets == {secret: "new"}
    # Back again nothing is asked for: what is better protected keeps its secret.
    assert configure(kind, {**before, secret: "••••••"}, kept, weaker).secrets == kept


@pytest.mark.parametrize("certificate", ["another authority", None])
def test_another_authority_is_another_server(certificate: str | None) -> None:
    before: dict[str, Json] = {"host": "a.example", "tls": True, "caCertificate": "an authority"}
    after = {**before, "caCertificate": certificate, "password": "••••••"}
    with pytest.raises(Invalid) as caught:
        configure("redis", after, {"password": "hunter2"}, before)
    assert [(each.place, each.code) for each in caught.value.problems] == [("config.password", "moved")]


def test_another_path_of_the_server_is_no_move() -> None:
    before, after = {"baseUrl": "https://a.example/v1"}, {"baseUrl": "https://A.example/v2"}
    assert configure("http", {**after, "auth": "••••••"}, {"auth": BEARER}, before).secrets == {
        "auth": BEARER
    }


def test_nothing_is_kept_that_was_not_sent() -> None:
    assert configure("http", {"baseUrl": "https://b.example"}, {"auth": BEARER}).secrets == {}


def test_unknown_types_are_told_with_the_known() -> None:
    with pytest.raises(Invalid, match="did you mean http"):
        configure("htpp", {})


@given(JSON | st.dictionaries(KEYS, JSON, max_size=4))
def test_no_config_raises_anything_else(config: Any) -> None:
    try:
        configuration = configure("http", config)
    except Invalid as error:
        problems = error.problems
    else:
        problems = []
        assert configure("http", {**configuration.shown, **configuration.secrets}) == configuration
    assert problems or isinstance(config, dict)
