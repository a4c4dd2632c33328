"""Checks that a cluster can be reached and accepts the login."""

from __future__ import annotations

from collections.abc import Sequence

from steprunners.clients.kafka.cluster.brokers import Address
from steprunners.clients.kafka.cluster.client import KafkaClient
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.deadline import Cancellation, Deadline
from steprunners.network import Call, NetworkPolicy

#: The part of the time that brokers have to answer, of which others have done so already.
_SHARE = 0.6


def check_cluster(connection: KafkaConnection, network: NetworkPolicy, deadline: Deadline) -> str:
    """Connect to every broker with a new client, and return which of them answer now. Raises StepError."""
    client = KafkaClient(connection, network)
    seconds = deadline.remaining() * _SHARE
    try:
        answering, silent = client.run(
            Call(network, deadline, Cancellation()), lambda: client.who_answers(seconds)
        )
    finally:
        client.close()
    total = len(answering) + len(silent)
    number = f"{len(answering)} of {total}" if silent else str(total)
    told = f"connected to {number} broker{'s' if total > 1 else ''} ({_names(answering)})"
    return f"{told}; no answer from {_names(silent)}" if silent else told


def _names(addresses: Sequence[Address]) -> str:
    return ", ".join(f"{host}:{port}" for host, port in addresses[:5])
