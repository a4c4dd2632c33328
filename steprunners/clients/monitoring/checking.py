"""Checks a loki or prometheus resource: sends a query that every such server can answer."""

from __future__ import annotations

from steprunners.clients.monitoring.connection import MonitoringConnection
from steprunners.deadline import Cancellation, Deadline
from steprunners.network import Call, NetworkPolicy


def check_queries(connection: MonitoringConnection, network: NetworkPolicy, deadline: Deadline) -> str:
    """Send the `probe` of the connection; return what answered. Raises StepError."""
    path, parameters = connection.probe
    connection.ask(Call(network, deadline, Cancellation()), path, parameters)
    return f"{connection.product} answers queries"
