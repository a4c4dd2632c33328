"""Tests of `accounts.addresses`."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from accounts.addresses import client_address, client_network


def address(remote: str, **headers: str) -> str | None:
    return client_address(RequestFactory().get("/", REMOTE_ADDR=remote, headers=headers))


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        ("a socket", None),
    ],
)
def test_the_address_is_that_of_the_connection(remote: str, shown: str | None) -> None:
    assert address(remote) == shown


def test_headers_are_not_believed() -> None:
    assert address("203.0.113.9", **{"X-Forwarded-For": "198.51.100.1"}) == "203.0.113.9"


@pytest.mark.parametrize(
    ("count", "header", "shown"),
    [
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (2, "6.6.6.6, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", "10.0.0.2"),
        (1, "", "10.0.0.2"),
        (1, "nonsense", None),
    ],
)
def test_a_header_counts_where_our_proxy_wrote_it(
    settings: Settings, count: int, header: str, shown: str | None
) -> None:
    settings.TRUSTED_PROXY_HEADER = "X-Forwarded-For"
    settings.TRUSTED_PROXY_COUNT = count
    assert address("10.0.0.2", **{"X-Forwarded-For": header}) == shown


def test_an_ipv6_network_counts_as_one_client() -> None:
    clients = {client_network(RequestFactory().get("/", REMOTE_ADDR=f"2001:db8:1:2::{n}")) for n in (1, 2)}
    assert clients == {"2001:db8:1:2::"}
    assert client_network(RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")) == "203.0.113.9"
    assert client_network(RequestFactory().get("/", REMOTE_ADDR="")) is None
