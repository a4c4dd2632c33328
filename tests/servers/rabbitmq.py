"""RabbitMQ as Celery's broker: Debian's server, with a name, a folder and ports of its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from asynctester.embedded.processes import free_port, listens
from tests.servers.server import Unavailable, launch

#: Debian's command of this name changes the user and the folder; this is the server's own.
_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def start_rabbitmq(folder: Path, hosts: Sequence[str]) -> tuple[list[subprocess.Popen[bytes]], str]:
    """Start a server with these virtual hosts; return its processes and its URL without one. Raises Unavailable."""
    epmd = shutil.which("epmd")
    if epmd is None or not _SERVER.exists():
        raise Unavailable("no RabbitMQ on this machine (Debian: apt-get install rabbitmq-server)")
    port, names_port = free_port(), free_port()
    environment = {**os.environ, **_environment(folder, port, names_port)}
    _write_definitions(folder, hosts)
    # Erlang's name server. RabbitMQ would start one that goes on after the tests.
    names = launch(
        [epmd, "-address", "127.0.0.1", "-port", str(names_port)],
        ready=lambda: listens("127.0.0.1", names_port),
        log=folder / "epmd.log",
    )
    try:
        server = launch(
            [_SERVER],
            ready=lambda: _greets(port),
            log=folder / "rabbitmq.log",
            environment=environment,
            within=90,
        )
    except Unavailable:
        names.kill()
        names.wait()
        raise
    return [server, names], f"amqp://guest:guest@127.0.0.1:{port}"


def _environment(folder: Path, port: int, names_port: int) -> dict[str, str]:
    return {
        "HOME": str(folder),  # Erlang's cookie
        "ERL_EPMD_PORT": str(names_port),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_NODENAME": f"asynctester{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        # Two schedulers: the machine is the tests' as well. Nobody else may reach it.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}",
    }


def _write_definitions(folder: Path, hosts: Sequence[str]) -> None:
    (folder / "plugins").write_text("[].\n")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    definitions = {
        "users": [{"name": "guest", "password": "guest", "tags": "administrator"}],
        "vhosts": [{"name": host} for host in hosts],
        "permissions": [{"user": "guest", "vhost": host, **everything} for host in hosts],
    }
    (folder / "definitions.json").write_text(json.dumps(definitions))
    (folder / "rabbitmq.conf").write_text(f"load_definitions = {folder / 'definitions.json'}\n")


def _greets(port: int) -> bool:
    """Whether the server answers a greeting that it does not know with its own: it listens before it is ready."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.settimeout(2)
            client.sendall(b"AMQP\x00\x00\x09\x01")
            return client.recv(4) == b"\x01\x00\x00\x00"
    except OSError:
        return False
