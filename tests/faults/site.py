"""A web server whose PostgreSQL and Valkey can be taken away: no workers; PostgreSQL has a disk of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from asynctester.embedded.processes import Identity, end, listens
from tests.faults.proxy import Proxy
from tests.servers.postgresql import SETTINGS, start_postgresql
from tests.servers.server import launch
from tests.servers.stack import LiveSession, LiveStack, server_environment
from tests.servers.valkey import start_valkey

#: PostgreSQL's settings: few connections are soon too many. Those that are reserved are the superuser's, as we are.
FEW = {**SETTINGS, "max_connections": "30", "superuser_reserved_connections": "0", "min_wal_size": "32MB"}
DISK = "256m"


@dataclass
class Answer:
    """What a request came to."""

    status: int
    text: str
    seconds: float
    retry_after: str = ""


@dataclass
class Site:
    """The web server, and how to break what it relies on."""

    stack: LiveStack
    session: LiveSession
    postgresql: subprocess.Popen[bytes]
    valkey: subprocess.Popen[bytes]
    database_url: str
    database: Proxy
    redis: Proxy
    data: Path
    has_disk: bool = False
    _stopped: list[int] = field(default_factory=list)

    def ask(self, method: str, path: str, **options: Any) -> Answer:
        """Ask once; the address is whole below the server's own. Raises requests' errors where nobody answers."""
        begin = time.monotonic()
        headers = {"Authorization": f"Bearer {self.session.token}"} if path.startswith("/api/") else {}
        got = requests.request(
            method, self.stack.url + path, headers=headers, timeout=60, allow_redirects=False, **options
        )
        return Answer(got.status_code, got.text, time.monotonic() - begin, got.headers.get("Retry-After", ""))

    def crowd(self, count: int, method: str, path: str) -> list[Answer]:
        """Ask so many times at once."""
        with ThreadPoolExecutor(count) as threads:
            return list(threads.map(lambda _: self.ask(method, path), range(count)))

    def server(self) -> psycopg.Connection:
        """Return a connection that goes around the proxy."""
        return psycopg.connect(self.database_url, autocommit=True)

    def freeze_database(self) -> None:
        """Stop all of PostgreSQL's processes without ending them."""
        children = Path(f"/proc/{self.postgresql.pid}/task/{self.postgresql.pid}/children").read_text()
        self._stopped = [self.postgresql.pid, *map(int, children.split())]
        for process in self._stopped:
            os.kill(process, signal.SIGSTOP)

    def thaw_database(self) -> None:
        """Let them go on."""
        for process in self._stopped:
            os.kill(process, signal.SIGCONT)
        self._stopped = []

    def stop_database(self) -> None:
        """End PostgreSQL at once, open transactions and all."""
        end([self.postgresql], asking=signal.SIGINT)

    def start_database(self) -> None:
        """Start it again, on its old port and data."""
        owner = self.data.stat()
        port = int(self.database_url.rpartition(":")[2].partition("/")[0])
        self.postgresql = launch(
            [str(part) for part in self.postgresql.args],  # type: ignore[union-attr] # it was started with a list
            ready=lambda: listens("127.0.0.1", port),
            log=self.stack.folder / "again.log",
            identity=Identity(owner.st_uid, owner.st_gid) if os.geteuid() == 0 else None,
        )

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Leave PostgreSQL no room on its disk while the block runs."""
        with filled(self.data.parent):
            yield


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Leave no room on the folder's disk while the block runs."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 512):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    try:
        yield
    finally:
        filler.unlink()


def answers(site: Site, check: Callable[[], bool], *, within: float = 30) -> bool:
    """Return whether the check holds before the time is over."""
    end_at = time.monotonic() + within
    while time.monotonic() < end_at:
        if check():
            return True
        time.sleep(0.1)
    return False


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Start one for the block. Raises Unavailable."""
    folder.chmod(0o711)
    disk = folder / "postgresql"
    disk.mkdir(mode=0o755)
    (folder / "valkey").mkdir()
    with ExitStack() as stack:
        has_disk = mounted(disk, stack, size=DISK)
        postgresql, database_url = start_postgresql(disk, FEW)
        valkey, redis_url = start_valkey(folder / "valkey")
        stack.callback(end, [valkey])
        database = Proxy(("127.0.0.1", int(database_url.rpartition(":")[2].partition("/")[0])))
        redis = Proxy(("127.0.0.1", int(redis_url.rpartition(":")[2])))
        stack.callback(database.stop)
        stack.callback(redis.stop)
        web = LiveStack(
            folder,
            server_environment(
                DATA_DIR=str(folder),
                DATABASE_URL=f"postgresql://postgres@127.0.0.1:{database.port}/postgres",
                REDIS_URL=f"redis://127.0.0.1:{redis.port}/0",
                AUTH_RATE="10000/minute",
                WORKER_THREADS="8",
                REQUEST_HEAD_SECONDS="2",
            ),
        )
        web.manage("bootstrap")
        web.start_web()
        stack.callback(web.stop)
        made = Site(
            web, web.session(), postgresql, valkey, database_url, database, redis, disk / "data", has_disk
        )
        stack.callback(lambda: end([made.postgresql], asking=signal.SIGINT))
        yield made


def mounted(folder: Path, stack: ExitStack, *, size: str) -> bool:
    """Give the folder a disk of its own, where this machine lets us."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, check=False, capture_output=True)
    except OSError:
        return False
    if done.returncode == 0:
        stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=False)
    return done.returncode == 0
