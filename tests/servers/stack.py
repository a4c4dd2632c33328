"""A whole installation beside the tests: its own database, web server and worker, over real sockets."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from asynctester.embedded import commands
from asynctester.embedded.processes import end, free_port, listens, start
from tests.servers.server import Unavailable, launch, tail

ADMIN_EMAIL = "admin@example.com"
ADMIN_PASSWORD = "a password for tests only"


@dataclass
class Worker:
    """A real Celery worker process."""

    environment: dict[str, str]
    log: Path
    threads: int = 4
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Worker:
        """Start the process; it is ready when it says so."""
        if self.process is None:
            self.log.unlink(missing_ok=True)
            self.process = launch(
                commands.worker(self.threads),
                ready=lambda: " ready." in self.log.read_text(errors="replace"),
                log=self.log,
                environment=self.environment,
            )
        return self

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Stop it without ending it, as a long pause of its machine would."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it in good order."""
        if self.process is not None:
            self.thaw()
            end([self.process])
            self.process = None

    def logs(self) -> str:
        """Return the end of its log, for the report of a test that failed."""
        return tail(self.log, 4_000) if self.log.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        if self.process is None:
            raise RuntimeError("this worker is not running")
        self.process.send_signal(number)


@dataclass
class LiveStack:
    """The installation: its `url`, a signed-in REST `session()`, its `worker` to kill and start."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    team_id: str = ""

    def __post_init__(self) -> None:
        self.worker = Worker(self.environment, self.folder / "worker.log")
        self._web: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a closing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def web_socket_url(self) -> str:
        """The same for WebSockets."""
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> LiveStack:
        """Migrate, make the administrator and the demo team, start the worker and the web server."""
        self.manage("bootstrap")
        self.worker.start()
        self.start_web()
        return self

    def start_web(self) -> None:
        """Start the web server, on the same port each time."""
        self._web = launch(
            commands.web("127.0.0.1", self.port),
            ready=lambda: listens("127.0.0.1", self.port),
            log=self.folder / "web.log",
            environment=self.environment,
        )

    def stop_web(self) -> None:
        """End the web server."""
        if self._web is not None:
            end([self._web])
            self._web = None

    def stop(self) -> None:
        """End everything."""
        self.stop_web()
        self.worker.stop()

    def manage(self, *arguments: str) -> str:
        """Run a management command on its database; return its output, raise Unavailable where it failed."""
        log = self.folder / "manage.log"
        with log.open("wb") as output:
            code = start(commands.manage(*arguments), environment=self.environment, output=output).wait()
        if code != 0:
            raise Unavailable(f"manage.py {' '.join(arguments)}: {tail(log)}")
        return log.read_text()

    def access_token(self, email: str = ADMIN_EMAIL, password: str = ADMIN_PASSWORD) -> str:
        """Sign in over REST; return the JWT."""
        answer = requests.post(
            f"{self.url}/api/v1/auth/login", json={"email": email, "password": password}, timeout=10
        )
        answer.raise_for_status()
        token: str = answer.json()["access"]
        return token

    def session(self) -> LiveSession:
        """Return a signed-in REST client of the administrator."""
        return LiveSession(self, self.access_token())

    def logs(self) -> str:
        """Return the ends of its logs, for the report of a test that failed."""
        return "\n".join(f"--- {log.name}\n{tail(log, 4_000)}" for log in sorted(self.folder.glob("*.log")))


class LiveSession:
    """REST calls by path: `session.post("flows", json=...)` gives parsed JSON, raises for 4xx and 5xx."""

    def __init__(self, stack: LiveStack, token: str) -> None:
        self.stack = stack
        self.token = token
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call `/api/v1/<path>` and return the response, whatever its status."""
        return self._session.request(method, f"{self.stack.url}/api/v1/{path}", timeout=20, **options)

    def get(self, path: str, **parameters: Any) -> Any:
        """GET; return the parsed body."""
        return _body(self.request("GET", path, params=parameters))

    def post(self, path: str, json: Any = None, **options: Any) -> Any:
        """POST JSON; return the parsed body."""
        return _body(self.request("POST", path, json=json, **options))


def _body(response: requests.Response) -> Any:
    if not response.ok:
        raise AssertionError(f"{response.status_code} for {response.url}: {response.text[:2_000]}")
    return response.json() if response.content else None


def server_environment(**changes: str) -> dict[str, str]:
    """Return the environment of a process beside the tests; its REDIS_URL is its broker, too, unless it has another."""
    account = {"ADMIN_EMAIL": ADMIN_EMAIL, "ADMIN_PASSWORD": ADMIN_PASSWORD}
    # The rows of tests have times of their own: no worker takes them for old.
    broker = {"CELERY_BROKER_URL": ""} if "REDIS_URL" in changes else {}
    return {**os.environ, **account, "HOUSEKEEPING_SECONDS": "0", **broker, **changes}
