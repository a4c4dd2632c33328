"""How the settings of the broker are read."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from asynctester.settings.broker import broker_url, fast_path, transport_options, yes_or_no

ORDER = "somewhere:Order"


def env(monkeypatch: pytest.MonkeyPatch, **values: str) -> Env:
    for name in ("CELERY_BROKER_URL", "BROKER_FAST_PATH", "BROKER_MASTER_NAME", "BROKER_SENTINEL_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Env()


def test_the_broker_is_the_redis_server_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert broker_url(env(monkeypatch), "redis://r:1/0") == "redis://r:1/0"
    assert broker_url(env(monkeypatch), "unix:///tmp/v.sock") == "redis+socket:///tmp/v.sock"
    assert broker_url(env(monkeypatch, CELERY_BROKER_URL="amqp://b"), "redis://r") == "amqp://b"
    assert broker_url(env(monkeypatch, CELERY_BROKER_URL=""), "redis://r") == "redis://r"


@pytest.mark.parametrize(
    ("url", "is_fast"),
    [
        ("redis://r:1/0", True),
        ("rediss://r:1/0", True),
        ("redis+socket:///tmp/v.sock", True),
        ("sentinel://a:1/0;sentinel://b:2/0", False),
        ("amqp://guest@b//", False),
        ("pyamqp://guest@b//", False),
        ("memory://", False),
    ],
)
def test_only_one_redis_server_has_a_fast_path(
    monkeypatch: pytest.MonkeyPatch, url: str, is_fast: bool
) -> None:
    assert fast_path(env(monkeypatch), url) is is_fast
    assert fast_path(env(monkeypatch, BROKER_FAST_PATH="no"), url) is False
    if is_fast:
        assert fast_path(env(monkeypatch, BROKER_FAST_PATH="True"), url) is True
        return
    with pytest.raises(ImproperlyConfigured, match="BROKER_FAST_PATH=true needs a broker at redis"):
        fast_path(env(monkeypatch, BROKER_FAST_PATH="true"), url)


@pytest.mark.parametrize("value", ["ture", "2", "none", "true false"])
def test_a_value_that_is_neither_yes_nor_no_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"BROKER_FAST_PATH is true or false, not {value}"):
        yes_or_no(env(monkeypatch, BROKER_FAST_PATH=value), "BROKER_FAST_PATH", default=True)


def test_redis_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    options = transport_options(env(monkeypatch), "redis://r", ORDER)
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (1, 1)
    assert options["queue_order_strategy"] == ORDER
    assert transport_options(env(monkeypatch), "amqp://b", ORDER) == {}


def test_sentinel_is_asked_for_its_master(monkeypatch: pytest.MonkeyPatch) -> None:
    given = env(monkeypatch, BROKER_MASTER_NAME="mymaster", BROKER_SENTINEL_PASSWORD="pass")
    options = transport_options(given, "sentinel://s:26379/0", ORDER)
    assert options["master_name"] == "mymaster"
    assert options["sentinel_kwargs"]["password"] == "pass"
    assert options["queue_order_strategy"] == ORDER


def test_sentinel_without_a_master_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="needs BROKER_MASTER_NAME"):
        transport_options(env(monkeypatch), "sentinel://s:26379/0", ORDER)
