"""Children end when they are told to, and when their parent is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from asynctester.embedded import processes

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # ended, and only not yet collected by its parent


def test_a_child_ends_when_asked() -> None:
    child = processes.start(SLEEPER)
    processes.end([child])
    assert child.returncode == -signal.SIGTERM


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        child = processes.start(STUBBORN, output=output)
    assert processes.wait_until(lambda: log.read_text() != "", within=20)
    processes.end([child], within=0.2)
    assert child.returncode == -signal.SIGKILL


def test_grandchildren_end_too(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    child = processes.start(["sh", "-c", f"sleep 60 & echo $! > {file}; wait"])
    assert processes.wait_until(lambda: file.exists() and file.read_text().strip() != "", within=10)
    grandchild = int(file.read_text())
    assert is_alive(grandchild)
    processes.end([child])
    assert processes.wait_until(lambda: not is_alive(grandchild), within=5)


def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    program = (
        "import time; from pathlib import Path; from asynctester.embedded.processes import start; "
        f"Path({str(file)!r}).write_text(str(start({SLEEPER!r}).pid)); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program])
    assert processes.wait_until(lambda: file.exists() and file.read_text() != "", within=30, alive=parent)
    child = int(file.read_text())
    assert is_alive(child)
    parent.kill()
    parent.wait()
    assert processes.wait_until(lambda: not is_alive(child), within=5)


def test_a_child_has_a_session_of_its_own() -> None:
    child = processes.start(SLEEPER)
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    processes.end([child])


def test_ports() -> None:
    port = processes.free_port()
    assert processes.port_is_free("127.0.0.1", port)
    assert not processes.listens("127.0.0.1", port)
    with socket.create_server(("127.0.0.1", port)):
        assert not processes.port_is_free("127.0.0.1", port)
        assert processes.listens("127.0.0.1", port)


def test_waiting_ends_with_the_time_and_with_the_process() -> None:
    assert not processes.wait_until(lambda: False, within=0.05)
    child = processes.start(["true"])
    started = time.monotonic()
    assert not processes.wait_until(lambda: False, within=30, alive=child)
    assert time.monotonic() - started < 20
    child.wait()
