"""Checks that a cluster can be reached and accepts the login."""

from __future__ import annotations

from steprunners.clients.kafka.cluster.client import KafkaClient
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.deadline import Cancellation, Deadline
from steprunners.network import Call, NetworkPolicy


def check_cluster(connection: KafkaConnection, network: NetworkPolicy, deadline: Deadline) -> str:
    """Connect with a new client, reach a broker, and return what was found. Raises StepError."""
    client = KafkaClient(connection, network)
    try:
        brokers = client.run(Call(network, deadline, Cancellation()), client.reach_brokers)
    finally:
        client.close()
    names = ", ".join(f"{host}:{port}" for host, port in brokers[:5])
    return f"connected to {len(brokers)} broker{'s' if len(brokers) > 1 else ''} ({names})"
