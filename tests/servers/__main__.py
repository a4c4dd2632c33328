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
from collections.abc import Mapping, Sequence
from pathlib import Path

from asynctester.embedded.processes import end
from tests.servers.postgresql import start_postgresql
from tests.servers.server import Unavailable
from tests.servers.valkey import start_valkey

CANNOT = 77  # what test runners take as "skipped"


def main(command: Sequence[str]) -> int:
    """Start the servers, run the command, end the servers; return the exit code.

    Ctrl-C and SIGTERM end the command first, so that it can clean up while its servers still answer.
    """
    folder = Path(tempfile.mkdtemp(prefix="asynctester-servers-"))
    folder.chmod(0o711)  # root starts PostgreSQL as another user, who has to pass through
    processes: list[subprocess.Popen[bytes]] = []
    try:
        return _run(command, _start(folder, processes))
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


def _run(command: Sequence[str], addresses: Mapping[str, str]) -> int:
    process = subprocess.Popen(command, env={**os.environ, **addresses})
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to the command, too
    code = process.wait()
    return code if code >= 0 else 128 - code  # as a shell tells of a signal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
