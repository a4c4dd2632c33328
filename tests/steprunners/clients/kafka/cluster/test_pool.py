"""Each cluster has one client a process, made when it is needed and closed when nobody uses it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from steprunners.clients.kafka.cluster import pool
from steprunners.clients.kafka.cluster.pool import client_of, close_clients
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.network import NetworkPolicy
from tests.steprunners.conftest import LOOPBACK


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    close_clients()
    yield
    close_clients()


def cluster(port: int = 1, **fields: str) -> KafkaConnection:
    return KafkaConnection(bootstrap_servers=f"127.0.0.1:{port}", **fields)


def test_equal_configs_share_a_client() -> None:
    assert client_of(cluster(), LOOPBACK) is client_of(cluster(), LOOPBACK)


def test_another_config_or_policy_has_its_own_client() -> None:
    clients = {
        id(client_of(cluster(), LOOPBACK)),
        id(client_of(cluster(2), LOOPBACK)),
        id(client_of(cluster(), NetworkPolicy(allowed=("127.0.0.1",)))),
    }
    assert len(clients) == 3


def test_a_client_in_use_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic() + pool.MAX_IDLE_SECONDS + 1
    busy, idle = client_of(cluster(1), LOOPBACK), client_of(cluster(2), LOOPBACK)
    monkeypatch.setattr(pool._clients, "_clock", lambda: now)
    busy.used_at = now - 1
    client_of(cluster(3), LOOPBACK)
    assert client_of(cluster(1), LOOPBACK) is busy
    assert client_of(cluster(2), LOOPBACK) is not idle


def test_the_number_of_clients_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool._clients, "_max_kept", 2)
    first, second, third = (client_of(cluster(port), LOOPBACK) for port in (1, 2, 3))
    assert client_of(cluster(3), LOOPBACK) is third
    assert client_of(cluster(2), LOOPBACK) is second
    assert client_of(cluster(1), LOOPBACK) is not first
