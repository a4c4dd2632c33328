"""What is compared: a whole installation, and a worker with the bare chain. Both run N calls, alone or many at once."""

from __future__ import annotations

import os
import re
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import requests

from asynctester.embedded import commands
from asynctester.embedded.processes import end, free_port, listens
from benchmarks import bare_chain
from benchmarks.flows import chained_flow, slow_flow
from benchmarks.processor_time import freeze, megabytes_of, seconds_of, thaw
from benchmarks.servers import Servers
from tests.servers.server import launch
from tests.servers.stack import ADMIN_EMAIL, ADMIN_PASSWORD, server_environment

PATIENCE_SECONDS = 600
Processes = list[subprocess.Popen[bytes]]


@dataclass(frozen=True)
class Burst:
    """What many runs at once took. Seconds; `processors` by role."""

    steps: int
    seconds: float
    processors: dict[str, float]

    @property
    def steps_per_second(self) -> float:
        """How many steps ended in a second."""
        return self.steps / self.seconds

    @property
    def cpu_ms_a_step(self) -> float:
        """Processor time of a step over all processes but the target's."""
        return 1000 * sum(self.processors.values()) / self.steps


class Contender(ABC):
    """Runs the same calls in its own way, on workers of its own."""

    name: str
    servers: Servers
    workers: Processes

    @abstractmethod
    def start(self) -> None:
        """Start its processes."""

    def stop(self) -> None:
        """End its processes."""
        end(self.workers)

    @abstractmethod
    def alone(self, steps: int) -> float:
        """Run that many steps one after the other, with nothing beside; return the ms from start to end."""

    @abstractmethod
    def _queue(self, runs: int, steps: int) -> Any:
        """Start the runs; return what `_await` needs."""

    @abstractmethod
    def _await(self, queued: Any) -> None:
        """Wait for the end of the queued runs."""

    def _roles(self) -> dict[str, Processes]:
        return {"worker": self.workers, "Valkey": [self.servers.valkey]}

    def burst(self, runs: int, steps: int) -> Burst:
        """Queue the runs while the workers are stopped, let these go, and time them until all have ended."""
        return self._timed(lambda: self._queue(runs, steps), runs * steps)

    def _timed(self, queue: Callable[[], Any], steps: int) -> Burst:
        freeze(self.workers)
        try:
            queued = queue()
            before = {role: seconds_of(processes) for role, processes in self._roles().items()}
            started = time.perf_counter()
        finally:
            thaw(self.workers)
        self._await(queued)
        seconds = time.perf_counter() - started
        used = {role: seconds_of(processes) - before[role] for role, processes in self._roles().items()}
        return Burst(steps, seconds, used)


def start_worker(command: Sequence[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a worker process and wait until it takes tasks."""
    ready = " ready."
    return launch(
        command, ready=lambda: ready in log.read_text(errors="replace"), log=log, environment=environment
    )


def with_application(command: Sequence[str], module: str) -> list[str]:
    """Return the engine's worker command with another Celery application."""
    return [module if part == "asynctester" else part for part in command]


class BareChain(Contender):
    """A literal Celery chain of calls, with no database."""

    def __init__(self, servers: Servers, worker_commands: Sequence[Sequence[str]]) -> None:
        self.name, self.servers, self.workers = "bare chain", servers, []
        self._commands = worker_commands
        self._broker = f"{servers.valkey_url}/15"
        self._session = requests.Session()

    def start(self) -> None:
        """Start the workers, with the options of the engine's."""
        bare_chain.app.conf.update(broker_url=self._broker)  # this process publishes
        for number, command in enumerate(self._commands):
            own = with_application(command, "benchmarks.bare_chain")
            log = self.servers.folder / f"bare-worker-{number}.log"
            self.workers.append(start_worker(own, log, {**os.environ, "BARE_BROKER_URL": self._broker}))

    def alone(self, steps: int) -> float:
        """Publish one chain."""
        started = time.perf_counter()
        self._await(self._queue(1, steps))
        return (time.perf_counter() - started) * 1000

    def _queue(self, runs: int, steps: int) -> int:
        goal = self._calls("") + runs * steps
        for _ in range(runs):
            bare_chain.publish(f"{self.servers.target_url}/orders/42", steps)
        return goal

    def _await(self, queued: int) -> None:
        self._calls(f"/{queued}")

    def _calls(self, number: str) -> int:
        return int(
            self._session.get(f"{self.servers.target_url}/calls{number}", timeout=PATIENCE_SECONDS).text
        )


@dataclass
class Installation(Contender):
    """Web server, workers and database; driven over REST, its ends heard on the live channel."""

    name: str
    servers: Servers
    database_url: str
    redis_database: int
    worker_commands: Sequence[Sequence[str]]
    workers: Processes = field(default_factory=list)
    post_ms: list[float] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.servers.folder / f"installation-{self.name}"
        self.folder.mkdir()
        self._web: Processes = []
        self._session = requests.Session()
        self._flows: dict[str, str] = {}
        redis_url = f"{self.servers.valkey_url}/{self.redis_database}"
        self.environment = server_environment(
            DATA_DIR=str(self.folder), DATABASE_URL=self.database_url, REDIS_URL=redis_url, **self.extra
        )
        client = redis.Redis.from_url(redis_url)
        self._ends = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py's own
        self._ended: dict[str, str] = {}

    def start(self) -> None:
        """Migrate, start the web server and the workers, sign in."""
        subprocess.run(commands.manage("bootstrap"), env=self.environment, check=True, capture_output=True)
        port = free_port()
        self._web.append(
            launch(
                commands.web("127.0.0.1", port),
                ready=lambda: listens("127.0.0.1", port),
                log=self.folder / "web.log",
                environment=self.environment,
            )
        )
        self._url = f"http://127.0.0.1:{port}/api/v1"
        self.start_workers()
        access = self._post("auth/login", {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD})["access"]
        self._session.headers["Authorization"] = f"Bearer {access}"
        for team in self._get("teams")["results"]:
            self._ends.subscribe(f"asgi__group__team.{team['id']}")  # no pattern: those are told of nothing

    def start_workers(self) -> None:
        """Start the workers alone (the rest runs)."""
        for number, command in enumerate(self.worker_commands):
            log = self.folder / f"worker-{number}.log"
            self.workers.append(start_worker(command, log, self.environment))

    def stop(self) -> None:
        """End everything but the database server."""
        self._ends.close()
        end([*self._web, *self.workers])

    def alone(self, steps: int) -> float:
        """Run one flow; the time is from the row's creation to its completion, by the service's own clock."""
        execution = self.run(steps)
        self._await([execution])
        shown = self.shown(execution)
        return float(shown["completedAt"] - shown["createdAt"])

    def shown(self, execution: str) -> Any:
        """Return the execution as REST shows it."""
        return self._get(f"executions/{execution}")

    def post_to_completed(self, steps: int) -> float:
        """Run one flow; the time in ms is from the request to the news of its end."""
        started = time.perf_counter()
        self._await([self.run(steps)])
        return (time.perf_counter() - started) * 1000

    def run(self, steps: int) -> str:
        """Ask for a run of the flow with that many steps; notes how long the answer took."""
        return self.run_document(chained_flow(steps, self.servers.target_url))

    def run_document(self, document: dict[str, Any], *, initial_delay_ms: int = 0) -> str:
        """Ask for a run of the flow, which is saved at the first time (its name says which it is)."""
        body = {"parameters": {"initialDelay": initial_delay_ms}} if initial_delay_ms else {}
        flow = self.flow_of(document)
        started = time.perf_counter()
        execution: str = self._post(f"flows/{flow}/run", body)["id"]
        self.post_ms.append((time.perf_counter() - started) * 1000)
        return execution

    def flow_of(self, document: dict[str, Any]) -> str:
        """Return the id of the flow with the document's name, which is saved at the first time."""
        name = document["name"]
        if name not in self._flows:
            self._flows[name] = self._post("flows", document)["id"]
        return self._flows[name]

    def slow_burst(self, runs: int, after_ms: int) -> float:
        """Return the seconds from letting the workers go to the last end of runs that each wait for a slow answer."""
        document = slow_flow(after_ms, self.servers.target_url)
        return self._timed(lambda: [self.run_document(document) for _ in range(runs)], runs).seconds

    def memory_mb(self) -> float:
        """Return the resident memory of web server and workers with their descendants, in MiB."""
        return megabytes_of([*self._web, *self.workers])

    @property
    def url(self) -> str:
        """Where its REST interface is."""
        return self._url

    @property
    def access_token(self) -> str:
        """What its streams take as proof of the user."""
        return str(self._session.headers["Authorization"]).removeprefix("Bearer ")

    def _queue(self, runs: int, steps: int) -> list[str]:
        return [self.run(steps) for _ in range(runs)]

    def _await(self, queued: list[str]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        for execution in queued:
            while execution not in self._ended:
                if time.monotonic() > until:
                    raise TimeoutError(f"{self.name}: execution {execution} has not ended")
                self._listen()
            status = self._ended.pop(execution)
            if status != "COMPLETED":
                raise AssertionError(f"{self.name}: execution {execution} is {status}")

    def _listen(self) -> None:
        message = self._ends.get_message(timeout=5)
        if message is None:
            return
        execution = re.search(rb'"executionId": "([^"]+)"', message["data"])
        status = re.search(rb'"status": "(COMPLETED|FAILED|CANCELLED)"', message["data"])
        if execution and status:
            self._ended[execution[1].decode()] = status[1].decode()

    def _roles(self) -> dict[str, Processes]:
        database = [self.servers.postgresql] if self.database_url.startswith("postgresql") else []
        return {**super()._roles(), "database": database}

    def _get(self, path: str) -> Any:
        return self._session.get(f"{self._url}/{path}", timeout=30).json()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._session.post(f"{self._url}/{path}", json=body, timeout=60)
        if not answer.ok:
            raise AssertionError(f"{self.name}: {answer.status_code} {answer.text[:1000]}")
        return answer.json()
