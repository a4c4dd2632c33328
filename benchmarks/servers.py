"""The servers of one run: target, Valkey, PostgreSQL, in a temporary folder that goes with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from asynctester.embedded import commands
from asynctester.embedded.processes import end, free_port, listens
from tests.servers.postgresql import SETTINGS, start_postgresql
from tests.servers.server import launch
from tests.servers.valkey import start_valkey

#: As in production: results are on the disk before they count. The tests' server does without.
DURABLE = {**SETTINGS, "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


@dataclass(frozen=True)
class Servers:
    """What installations share. `target_url` is what flows call; `valkey_url` has no database number."""

    folder: Path
    target_url: str
    valkey_url: str
    postgresql_url: str
    target: subprocess.Popen[bytes]
    valkey: subprocess.Popen[bytes]
    postgresql: subprocess.Popen[bytes]

    def new_database(self, name: str, *, waits_for_disk: bool = True) -> str:
        """Make a PostgreSQL database, whose commits return at once where they do not wait; return its URL."""
        with psycopg.connect(self.postgresql_url, autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}"'.encode())
            if not waits_for_disk:
                server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())
        return self.postgresql_url.rsplit("/", 1)[0] + f"/{name}"


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)  # so that a kill, too, ends the servers and removes their folder


@contextmanager
def servers() -> Iterator[Servers]:
    """Start the servers; end them, and remove their folder, with the block."""
    signal.signal(signal.SIGTERM, _end)
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="asynctester-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user where we are root
        try:
            target, target_url = _start_target(folder)
            started.append(target)
            valkey, valkey_url = start_valkey(folder)
            started.append(valkey)
            (folder / "postgresql").mkdir()
            postgresql, postgresql_url = start_postgresql(folder / "postgresql", DURABLE)
            started.append(postgresql)
            yield Servers(folder, target_url, valkey_url, postgresql_url, target, valkey, postgresql)
        finally:
            end(started)


def _start_target(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    process = launch(
        [sys.executable, "-m", "benchmarks.target", str(port)],
        ready=lambda: listens("127.0.0.1", port),
        log=folder / "target.log",
        environment={**os.environ, "PYTHONPATH": str(commands.ROOT)},
    )
    return process, f"http://127.0.0.1:{port}"
