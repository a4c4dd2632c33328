"""DATA_DIR: made on first use, and used by one installation at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asynctester.embedded.options import Refused

#: Where the processes put their metrics, for the web server to add them up.
METRICS = "metrics"


def make(folder: Path) -> None:
    """Make the folder for its owner's eyes only, and the folder of logs in it; raises Refused."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "logs").mkdir(exist_ok=True)
    except OSError as problem:
        raise Refused(f"DATA_DIR {folder} cannot be used: {problem.strerror}") from problem
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Refused(f"DATA_DIR {folder} cannot be written to")


def forget_metrics(folder: Path) -> None:
    """Remove what the processes of an earlier run counted: counters begin again with theirs."""
    shutil.rmtree(folder / METRICS, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder while this process lives; raises Refused where another process holds it."""
    with (folder / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise Refused(
                f"another `make run` (process {holder}) uses {folder}; end it or set another DATA_DIR"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
