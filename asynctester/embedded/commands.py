"""The command lines of the processes that make up an installation."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable
DEFAULT_THREADS, DEFAULT_PROCESSES = 32, 2


def manage(*arguments: str) -> list[str]:
    """Return the command of a management command."""
    return [PYTHON, str(ROOT / "manage.py"), *arguments]


def web(*where: str | int) -> list[str]:
    """Return the command of the web server: on a host and a port, or on a file descriptor that it inherits."""
    return [PYTHON, "-m", "asynctester.embedded.web", *map(str, where)]


def worker(threads: int | None = None) -> list[str]:
    """Return the command of a Celery worker (with its sweeper); WORKER_THREADS sets its threads.

    Threads are for slow systems under test: while they answer, a step costs nothing. For quick ones a process has as
    much to do as one core can, however many threads it has (measured: benchmarks/README.md).

    Gossip, mingle and heartbeats are for clusters that talk among themselves; ours meet in the database.
    """
    count = threads or int(os.environ.get("WORKER_THREADS", DEFAULT_THREADS))
    return [
        *(PYTHON, "-m", "celery", "--app", "asynctester", "--workdir", str(ROOT), *_quiet(), "worker"),
        *("--pool", "threads", "--concurrency", str(count), "--prefetch-multiplier", "1"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"),
    ]


def _quiet() -> tuple[str, ...]:
    """Leave Celery's greeting out of a log that is to be JSON."""
    return ("--quiet",) if os.environ.get("LOG_FORMAT") == "json" else ()


def workers() -> list[list[str]]:
    """Return a command for each worker process of this machine; WORKER_PROCESSES says how many."""
    return [worker()] * int(os.environ.get("WORKER_PROCESSES", DEFAULT_PROCESSES))


def lab(port: int, database: Path, systems: Mapping[str, str]) -> list[str]:
    """Return the command of the demo shop; `systems` are those that it writes to (sql, kafka, redis), "" for none."""
    addresses = [f"--{name}={address}" for name, address in systems.items() if address]
    return [PYTHON, "-m", "lab", "--port", str(port), "--database", str(database), *addresses]
