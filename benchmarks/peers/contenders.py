"""Each tool as a command that makes so many calls."""

from __future__ import annotations

import os
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from asynctester.embedded.processes import end, free_port, listens, start, wait_until
from benchmarks.peers import flows, tools
from benchmarks.peers.tools import NotInstalled
from benchmarks.servers import Servers


@dataclass
class Peer(ABC):
    """A tool that is started for each run; `home` is where tools are installed."""

    servers: Servers
    home: Path

    name = ""

    def start(self) -> None:
        """Install it where that is still to be done, and start what it needs. Raises NotInstalled."""
        self.command(1)

    def stop(self) -> None:  # noqa: B027  # most tools start nothing
        """End what `start` started."""

    @abstractmethod
    def command(self, steps: int) -> list[str]:
        """Return the command that makes so many calls."""

    def environment(self) -> dict[str, str]:
        """Return the command's environment."""
        return {**os.environ, "NO_COLOR": "1"}

    def run_ms(self, steps: int) -> float:
        """Run it; return the ms from start to end of the process. Raises CalledProcessError where it fails."""
        command, environment = self.command(steps), self.environment()
        started = time.perf_counter()
        done = subprocess.run(
            command, env=environment, cwd=self.servers.folder, capture_output=True, text=True, check=False
        )
        taken = (time.perf_counter() - started) * 1000
        if done.returncode:
            raise AssertionError(f"{self.name}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return taken


class Tavern(Peer):
    """Tavern, by its command line."""

    name = "Tavern"

    def command(self, steps: int) -> list[str]:
        """Return the command."""
        test = flows.tavern(self.servers.folder, self.servers.target_url, steps)
        return [str(tools.TAVERN.path(self.home)), str(test)]


class Newman(Peer):
    """Newman, with its reporter off."""

    name = "newman"

    def command(self, steps: int) -> list[str]:
        """Return the command."""
        collection = flows.newman(self.servers.folder, self.servers.target_url, steps)
        return [str(tools.NEWMAN_TOOL.path(self.home)), "run", str(collection), "--silent"]


class Prefect(Peer):
    """Prefect with its server and a database of its own: each call is a task whose states the server keeps."""

    name = "Prefect"
    _server: subprocess.Popen[bytes] | None = None
    _port = 0

    def start(self) -> None:
        """Start the server."""
        self._port = free_port()
        command = [
            str(tools.PREFECT.path(self.home)),
            "server",
            "start",
            "--port",
            str(self._port),
            "--no-ui",
        ]
        with (self.servers.folder / "prefect.log").open("wb") as log:
            self._server = start(
                command, environment=self.environment(), folder=self.servers.folder, output=log
            )
        # Its first start makes a database, which takes a minute on a busy machine.
        if not wait_until(lambda: listens("127.0.0.1", self._port), within=300, alive=self._server):
            said = (self.servers.folder / "prefect.log").read_text(errors="replace")[-500:]
            raise NotInstalled(f"Prefect: its server did not start: {said}")

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            end([self._server])

    def command(self, steps: int) -> list[str]:
        """Return the command."""
        python = tools.PREFECT.path(self.home).with_name("python")
        return [str(python), str(flows.prefect(self.servers.folder)), self.servers.target_url, str(steps)]

    def environment(self) -> dict[str, str]:
        """Return the command's environment."""
        return {
            **super().environment(),
            "PREFECT_HOME": str(self.servers.folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{self._port}/api",
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }


EVERY_PEER: tuple[type[Peer], ...] = (Tavern, Newman, Prefect)
