"""An installation whose every part can be taken away: own PostgreSQL, own Valkey, proxies, workers to kill."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from redis import Redis

from asynctester.embedded import commands, valkey
from asynctester.embedded.processes import Identity, end, listens, start, wait_until
from tests.executions.engine.target import Target
from tests.faults.proxy import Proxy
from tests.servers.postgresql import start_postgresql
from tests.servers.server import launch
from tests.servers.stack import LiveStack, Worker, server_environment
from tests.servers.valkey import start_valkey


@dataclass
class Death:
    """A worker process that did nothing from `at` on, `until` it was thawed; in seconds since the epoch."""

    pid: int
    at: float
    until: float = math.inf


@dataclass
class FaultyWorker(Worker):
    """A worker that is started without waiting, and remembers when it was killed or frozen."""

    deaths: list[Death] = field(default_factory=list)

    def start_soon(self) -> None:
        """Start it and do not wait until it is ready."""
        with self.log.open("wb") as output:
            self.process = start(commands.worker(self.threads), environment=self.environment, output=output)

    @property
    def is_ready(self) -> bool:
        """Whether it runs, and said that it takes tasks."""
        running = self.process is not None and self.process.poll() is None
        return running and " ready." in self.log.read_text(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._remember()
        super().kill()

    def freeze(self) -> None:
        """Stop it without ending it."""
        self._remember()
        super().freeze()

    def thaw(self) -> None:
        """Let it go on."""
        super().thaw()
        if self.deaths:
            self.deaths[-1].until = min(self.deaths[-1].until, time.time())

    def retire(self, seconds: float) -> bool:
        """Ask it to end with SIGTERM; returns whether it did within the time (else it is killed)."""
        if self.process is None:
            return True
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        finally:
            end([self.process])
            self.process = None
        return True

    def _remember(self) -> None:
        if self.process is not None:
            self.deaths.append(Death(self.process.pid, time.time()))


class Installation:
    """Web server, workers, PostgreSQL, Valkey and a target; workers reach all of them through proxies."""

    def __init__(self, folder: Path, *, workers: int = 2) -> None:
        """Start everything and wait until it is ready. Raises Unavailable."""
        self.folder = folder
        folder.chmod(0o711)
        (folder / "postgresql").mkdir(mode=0o755)
        (folder / "valkey").mkdir()
        self.postgresql, self.database_url = start_postgresql(folder / "postgresql")
        self.valkey, redis_url = start_valkey(folder / "valkey")
        self.valkey_port = int(redis_url.rpartition(":")[2])
        self.target = Target()
        self.database_proxy = Proxy(
            ("127.0.0.1", int(self.database_url.rpartition(":")[2].partition("/")[0]))
        )
        self.broker_proxy = Proxy(("127.0.0.1", self.valkey_port))
        self.web_broker_proxy = Proxy(("127.0.0.1", self.valkey_port))
        self.target_proxy = Proxy(("127.0.0.1", self.target.server_address[1]))
        self.web = LiveStack(folder, self._environment(self.database_url, self.web_broker_proxy))
        self.web.manage("bootstrap")
        self.web.start_web()
        through = f"postgresql://postgres@127.0.0.1:{self.database_proxy.port}/postgres"
        environment = self._environment(through, self.broker_proxy)
        self.workers = [
            FaultyWorker(environment, folder / f"worker{n}.log", threads=8) for n in range(workers)
        ]
        for worker in self.workers:
            worker.start_soon()
        wait_until(lambda: len(self.ready_workers()) == workers, within=60)

    def _environment(self, database_url: str, broker: Proxy) -> dict[str, str]:
        return server_environment(
            DATA_DIR=str(self.folder),
            DATABASE_URL=database_url,
            REDIS_URL=f"redis://127.0.0.1:{broker.port}/0",
        )

    @property
    def base_url(self) -> str:
        """Where flows call the target: through its proxy."""
        return f"http://127.0.0.1:{self.target_proxy.port}"

    def ready_workers(self) -> list[FaultyWorker]:
        """Return the workers that take tasks."""
        return [worker for worker in self.workers if worker.is_ready]

    def broker(self) -> Redis:
        """Return a client that goes around the proxies."""
        return Redis("127.0.0.1", self.valkey_port, socket_timeout=5)

    def restart_broker(self) -> None:
        """Kill Valkey and start it again: whatever it held is lost."""
        end([self.valkey], asking=signal.SIGKILL)
        self.start_broker()

    def start_broker(self) -> None:
        """Start Valkey on its old port."""
        self.valkey = launch(
            [str(part) for part in self.valkey.args],  # type: ignore[union-attr] # a list, as it was started with one
            ready=lambda: valkey.answers(("127.0.0.1", self.valkey_port)),
            log=self.folder / "valkey.log",
        )

    def owners(self) -> set[int]:
        """Return the ids of the processes that run steps, by what the database says."""
        with psycopg.connect(self.database_url, autocommit=True) as server:
            rows = server.execute("SELECT owner FROM executions_executionstep WHERE status = 'IN_PROGRESS'")
            return {int(owner.split(":")[1]) for (owner,) in rows}

    def stop_database(self) -> None:
        """End PostgreSQL at once, open transactions and all."""
        end([self.postgresql], asking=signal.SIGINT)

    def start_database(self, environment: Mapping[str, str] | None = None) -> None:
        """Start PostgreSQL on its old port and data, with this environment."""
        owner = (self.folder / "postgresql" / "data").stat()
        identity = Identity(owner.st_uid, owner.st_gid) if os.geteuid() == 0 else None
        port = int(self.database_url.rpartition(":")[2].partition("/")[0])
        self.postgresql = launch(
            [str(part) for part in self.postgresql.args],  # type: ignore[union-attr] # as above
            ready=lambda: listens("127.0.0.1", port),
            log=self.folder / "postgresql" / "again.log",
            identity=identity,
            environment=environment,
        )

    def stop(self) -> None:
        """End everything."""
        for worker in self.workers:
            worker.stop()
        self.web.stop_web()
        for proxy in (self.database_proxy, self.broker_proxy, self.web_broker_proxy, self.target_proxy):
            proxy.stop()
        self.target.shutdown()
        self.target.server_close()
        end([self.valkey])
        end([self.postgresql], asking=signal.SIGINT)


@contextmanager
def installation(folder: Path, *, workers: int = 2) -> Iterator[Installation]:
    """Start an installation for the block. Raises Unavailable."""
    made = Installation(folder, workers=workers)
    try:
        yield made
    finally:
        made.stop()
