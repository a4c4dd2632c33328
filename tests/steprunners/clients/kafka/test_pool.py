"""One client a cluster, made when it is needed and dropped when nobody uses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from steprunners.clients.kafka import pool
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.pool import client_of, close_clients
from steprunners.network import NetworkPolicy
from tests.steprunners.conftest import LOOPBACK


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    close_clients()
    yield
    close_clients()


def cluster(port: int = 1, **fields: str) -> KafkaConnection:
    return KafkaConnection(bootstrap_servers=f"127.0.0.1:{port}", **fields)


def test_the_same_config_has_the_same_client() -> None:
    assert client_of(cluster(), LOOPBACK) is client_of(cluster(), LOOPBACK)


def test_a_changed_resource_or_policy_has_another() -> None:
    clients = {
        id(client_of(cluster(), LOOPBACK)),
        id(client_of(cluster(2), LOOPBACK)),
        id(client_of(cluster(), NetworkPolicy(allowed=("127.0.0.1",)))),
    }
    assert len(clients) == 3


def test_an_idle_one_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    idle = client_of(cluster(), LOOPBACK)
    idle.used_at -= pool.IDLE_SECONDS + 1
    other = client_of(cluster(2), LOOPBACK)
    assert client_of(cluster(2), LOOPBACK) is other
    assert client_of(cluster(), LOOPBACK) is not idle


def test_there_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST", 2)
    first, second, third = (client_of(cluster(port), LOOPBACK) for port in (1, 2, 3))
    assert client_of(cluster(3), LOOPBACK) is third
    assert client_of(cluster(2), LOOPBACK) is second
    assert client_of(cluster(1), LOOPBACK) is not first
