"""The Kafka clients of a worker process: one for each cluster, made on demand, closed after its resource changed."""

from __future__ import annotations

from steprunners.clients.kafka.cluster.client import KafkaClient
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.network import NetworkPolicy
from steprunners.network.connection_store import ConnectionStore

#: The most clients of a process; each has one thread, and one connection to each broker that it uses.
MAX_CLIENTS = 32
MAX_IDLE_SECONDS = 300.0


_clients: ConnectionStore[tuple[str, NetworkPolicy], KafkaClient] = ConnectionStore(
    max_kept=MAX_CLIENTS,
    max_idle_seconds=MAX_IDLE_SECONDS,
    close=KafkaClient.close,
    used_at=lambda client: client.used_at,
)


def client_of(connection: KafkaConnection, policy: NetworkPolicy) -> KafkaClient:
    """Return the process's client for exactly this config and policy."""
    key = (connection.model_dump_json(), policy)
    return _clients.get(key, lambda: KafkaClient(connection, policy))


def close_clients() -> None:
    """Close every client of this process."""
    _clients.close()
