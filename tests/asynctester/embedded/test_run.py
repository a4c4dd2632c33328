"""`python -m asynctester.embedded`: the real thing, started and ended as a person would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from asynctester.embedded.commands import ROOT
from asynctester.embedded.processes import free_port, wait_until
from tests.asynctester.embedded.test_processes import is_alive

pytestmark = pytest.mark.processes
Start = Callable[..., "Run"]
PASSWORD = "a password for tests only"


class Run:
    """One `make run`, its output and its processes."""

    def __init__(self, folder: Path, port: int, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder.parent / f"output-{port}.txt"
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        settings = {"DATA_DIR": str(folder), "PORT": str(port), "ADMIN_PASSWORD": PASSWORD} | environment
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "asynctester.embedded"],
                cwd=ROOT,
                env=inherited | settings,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str, within: float = 120) -> None:
        assert wait_until(lambda: text in self.output(), within=within, alive=self.process), self.output()

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def end(self, number: signal.Signals = signal.SIGINT) -> float:
        """Send the signal; return the seconds until it has ended."""
        before = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - before


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    runs: list[Run] = []

    def run(folder: str = "data", port: int = 0, **environment: str) -> Run:
        runs.append(Run(tmp_path / folder, port or free_port(), **environment))
        return runs[-1]

    yield run
    for each in runs:
        if each.process.poll() is None:
            each.end(signal.SIGTERM)


def test_it_runs_the_demo_and_ends_with_nothing_left_and_goes_on_later(start: Start) -> None:
    first = start("a folder with spaces")
    first.wait_for("Ctrl-C ends it")
    assert "✓ COMPLETED" in first.output()
    assert first.output().index("▸ create_order") < first.output().index("✓ create_order")
    children = first.children()
    assert "✓ event_published    kafka_subscribe" in first.output()
    assert "✓ row_in_ledger      sql " in first.output()
    assert "✓ key_in_cache       redis " in first.output()
    assert len(children) == 7  # Valkey, the shop with its broker and cache, two workers, the web server
    assert first.end() < 25  # promised are 5 s; how busy this machine is says nothing of that
    assert first.process.returncode == 0
    assert not [pid for pid in children if is_alive(pid)]

    second = start("a folder with spaces", DEMO="no")
    second.wait_for("Async Testing Service is at")
    signed_in = requests.post(
        f"{second.url}/api/v1/auth/login",
        json={"email": "admin@example.com", "password": PASSWORD},
        timeout=10,
    ).json()
    runs = requests.get(
        f"{second.url}/api/v1/executions",
        headers={"Authorization": f"Bearer {signed_in['access']}"},
        timeout=10,
    ).json()["results"]
    assert [run["status"] for run in runs] == ["COMPLETED"]


def test_its_children_die_with_it_and_are_started_again_without_it(start: Start) -> None:
    run = start(DEMO="no")
    run.wait_for("Async Testing Service is at")
    before = run.children()
    os.kill(before[-1], signal.SIGKILL)  # the web server, which started last
    run.wait_for("web ended with code -9")
    assert wait_until(lambda: requests.get(f"{run.url}/healthz", timeout=30).ok, within=60)
    children = run.children()
    run.process.kill()
    run.process.wait()
    assert wait_until(lambda: not [pid for pid in children if is_alive(pid)], within=30)


def test_a_second_one_on_the_same_data_or_port_is_refused_clearly(start: Start) -> None:
    first = start()
    first.wait_for("Starting")
    same_data = start()
    assert same_data.process.wait(60) == 1
    assert "another `make run`" in same_data.output()
    same_port = start("other", int(first.url.rsplit(":", 1)[1]))
    assert same_port.process.wait(60) == 1
    assert "is taken" in same_port.output()
    assert "Traceback" not in same_data.output() + same_port.output()


def test_ctrl_c_during_the_start_ends_it(start: Start) -> None:
    run = start()
    run.wait_for("Starting")
    assert run.end() < 25
    assert run.process.returncode == 0
    assert "Stopped." in run.output()
