"""Where the examples of step types with a resource run: a real server, and one that never answers.

A step type with a resource brings two things: a fixture `<resource type>_connection` with the connection that its
example runs on (prepared, so that it passes), and an entry in SILENT: the same connection to a port of this machine
that takes everything and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steprunners.config import ConnectionConfig
from steprunners.runner import AnyRunner

SILENT: dict[str, Callable[[int], dict[str, Any]]] = {
    "kafka": lambda port: {"bootstrapServers": f"127.0.0.1:{port}"},
    "loki": lambda port: {"url": f"http://127.0.0.1:{port}"},
    "prometheus": lambda port: {"url": f"http://127.0.0.1:{port}"},
    "sql": lambda port: {
        "engine": "postgresql",
        "host": "127.0.0.1",
        "port": port,
        "database": "shop",
        "user": "shopkeeper",
    },
    "redis": lambda port: {"host": "127.0.0.1", "port": port},
}


def example_connection(runner: AnyRunner, request: pytest.FixtureRequest) -> ConnectionConfig | None:
    """Return the connection that the runner's example names, to a real server; None where it names none."""
    if not _names_a_resource(runner):
        return None
    connection = request.getfixturevalue(f"{runner.resource_type}_connection")
    assert isinstance(connection, ConnectionConfig)
    return connection


def silent_connection(runner: AnyRunner, port: int) -> ConnectionConfig | None:
    """Return a connection to a server on `port` that never answers; None where the example names none."""
    if not _names_a_resource(runner) or runner.resource_type is None:
        return None
    assert runner.connection_class is not None
    return runner.connection_class.model_validate(SILENT[runner.resource_type](port))


def _names_a_resource(runner: AnyRunner) -> bool:
    return "resourceId" in runner.example["meta"]
