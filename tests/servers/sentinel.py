"""A Redis server with a replica, and a Sentinel that watches them and knows which of the two is the master."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis, RedisError

from asynctester.embedded import valkey
from asynctester.embedded.processes import end, free_port, wait_until
from tests.servers.server import Unavailable, launch

#: The name under which the Sentinel watches the servers.
MASTER = "mymaster"


@dataclass
class Watched:
    """The processes: the Sentinel, and the two servers by their ports."""

    port: int
    sentinel: subprocess.Popen[bytes]
    servers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The broker's URL, without a database number."""
        return f"sentinel://127.0.0.1:{self.port}"

    def master(self) -> int:
        """Return the port of the server that is the master now."""
        with Redis("127.0.0.1", self.port, socket_timeout=2) as client:
            _, port = client.sentinel_get_master_addr_by_name(MASTER)
            return int(port)

    def kill_master(self) -> int:
        """Kill the master, and wait until its replica is one; return the port of that."""
        before = self.master()
        self.servers.pop(before).kill()
        assert wait_until(lambda: self.master() != before, within=30)
        return self.master()

    def stop(self) -> None:
        """End everything."""
        end([self.sentinel, *self.servers.values()])


def start_sentinel(folder: Path) -> Watched:
    """Start the two servers and the Sentinel, and wait until it knows both. Raises Unavailable."""
    try:
        binary = valkey.valkey_binary()
    except valkey.NoValkey as problem:
        raise Unavailable(str(problem)) from problem
    master, replica, port = free_port(), free_port(), free_port()
    servers = {master: _start_server(binary, folder / "master", master)}
    servers[replica] = _start_server(
        binary, folder / "replica", replica, "--replicaof", "127.0.0.1", str(master)
    )
    config = folder / "sentinel.conf"  # the Sentinel writes to it
    config.write_text(
        f"bind 127.0.0.1\nport {port}\ndir {folder}\nsentinel monitor {MASTER} 127.0.0.1 {master} 1\n"
        f"sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 3000\n"
    )
    watching = launch(
        [binary, config, "--sentinel"], ready=lambda: _knows_a_replica(port), log=folder / "sentinel.log"
    )
    return Watched(port, watching, servers)


def _start_server(binary: Path, folder: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    folder.mkdir()
    return launch(
        [*valkey.port_command(binary, port=port, folder=folder), *options],
        ready=lambda: valkey.answers(("127.0.0.1", port)),
        log=folder / "valkey.log",
    )


def _knows_a_replica(port: int) -> bool:
    try:
        with Redis("127.0.0.1", port, socket_timeout=2) as client:
            return len(client.sentinel_slaves(MASTER)) == 1
    except RedisError:
        return False
