"""What dies is started again; the end ends all."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from asynctester.embedded import supervisor as module
from asynctester.embedded.processes import wait_until
from asynctester.embedded.supervisor import Stopped, Supervisor

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Supervisor:
    return Supervisor(environment={"WHO": "child"}, folder=tmp_path, logs=tmp_path, say=said.append)


def watch_until(supervisor: Supervisor, holds: object) -> None:
    """Watch in this thread (children die with the thread that starts them) until `holds()`."""

    def stop() -> None:
        wait_until(holds, within=20)  # type: ignore[arg-type] # a callable in every use below
        supervisor.stopping.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    supervisor.watch()
    stopper.join()


def test_a_child_that_dies_is_started_again_and_it_is_said(supervisor: Supervisor, said: list[str]) -> None:
    child = supervisor.start("sleeper", SLEEPER)
    first = child.process
    assert first is not None
    first.kill()
    watch_until(supervisor, lambda: child.process is not first)
    assert child.process is not None
    assert child.process.poll() is None
    assert "sleeper ended with code -9" in said[0]
    supervisor.end()
    assert child.process.poll() is not None


def test_pauses_grow_up_to_a_limit(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.3)
    child = supervisor.start("failing", ["false"])
    child.pause = 0.1
    log: list[float] = []
    monkeypatch.setattr(supervisor, "say", lambda _line: log.append(child.pause))
    watch_until(supervisor, lambda: len(log) >= 3)
    supervisor.end()
    assert log[:3] == [0.1, 0.2, 0.3]


def test_a_command_runs_to_its_end_with_its_log(supervisor: Supervisor) -> None:
    assert supervisor.run("once", ["sh", "-c", "echo $WHO; exit 3"]) == 3
    assert supervisor.log("once").read_text() == "child\n"
    assert supervisor.children == []


def test_a_stop_ends_a_command_that_runs(supervisor: Supervisor) -> None:
    supervisor.stopping.set()
    with pytest.raises(Stopped):
        supervisor.run("sleeper", SLEEPER)
    assert supervisor.children == []


def test_waiting_ends_with_the_time(supervisor: Supervisor) -> None:
    assert supervisor.wait_for(lambda: True)
    assert not supervisor.wait_for(lambda: False, within=0.01)


def test_a_log_that_grew_large_is_put_aside(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_LOG", 3)
    supervisor.log("once").write_text("a long log")
    supervisor.run("once", ["echo", "new"])
    assert supervisor.log("once").read_text() == "new\n"
    assert (supervisor.logs / "once.log.1").read_text() == "a long log"
