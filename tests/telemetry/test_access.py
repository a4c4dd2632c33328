"""Tests of `telemetry.access`."""

from __future__ import annotations

import pytest

from telemetry.access import has_token, is_direct_from_loopback


@pytest.mark.parametrize("header", ["Bearer secret", "bearer  secret "])
def test_the_token(header: str) -> None:
    assert has_token(header, "secret")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer secre", "Basic secret", "secret", "Bearer sécret"]
)
def test_none_or_another(header: str) -> None:
    assert not has_token(header, "secret")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_this_machine(address: str) -> None:
    assert is_direct_from_loopback(address, ["Host", "User-Agent"])


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "", "unix"])
def test_others(address: str) -> None:
    assert not is_direct_from_loopback(address, [])


@pytest.mark.parametrize("name", ["X-Forwarded-For", "x-forwarded-proto", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_on_this_machine_speaks_for_others(name: str) -> None:
    assert not is_direct_from_loopback("127.0.0.1", ["Host", name])
