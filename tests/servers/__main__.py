"""`python -m tests.servers COMMAND…`: run a command beside a PostgreSQL and a Valkey of its own.

The command finds their addresses in DATABASE_URL and REDIS_URL. The servers end with it. The exit code is the
command's, or 77 where this machine has no such servers.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from asynctester.embedded.processes import end
from tests.servers.postgresql import start_postgresql
from tests.servers.server import Unavailable
from tests.servers.valkey import start_valkey

CANNOT = 77  # what test runners take as "skipped"


def main(command: Sequence[str]) -> int:
    """Start the servers, run the command, end the servers; return the exit code."""
    signal.signal(signal.SIGTERM, _exit)
    folder = Path(tempfile.mkdtemp(prefix="asynctester-servers-"))
    folder.chmod(0o711)  # root starts PostgreSQL as another user, who has to pass through
    processes: list[subprocess.Popen[bytes]] = []
    try:
        return subprocess.run(
            command, env={**os.environ, **_start(folder, processes)}, check=False
        ).returncode
    except Unavailable as problem:
        sys.stderr.write(f"{problem}\n")
        return CANNOT
    finally:
        end(processes, asking=signal.SIGINT)  # on SIGTERM PostgreSQL would wait for its clients
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, processes: list[subprocess.Popen[bytes]]) -> dict[str, str]:
    """Start both servers, add them to `processes` and return their addresses; raises Unavailable."""
    (folder / "postgresql").mkdir(mode=0o755)
    process, database_url = start_postgresql(folder / "postgresql")
    processes.append(process)
    (folder / "valkey").mkdir()
    process, redis_url = start_valkey(folder / "valkey")
    processes.append(process)
    return {"DATABASE_URL": database_url, "REDIS_URL": f"{redis_url}/0"}


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)  # so that `finally` runs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
