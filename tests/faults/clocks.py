"""Clocks that can be set while a process runs: by libfaketime (Debian has it), where the machine has that."""

from __future__ import annotations

import os
from pathlib import Path

from tests.servers.server import Unavailable

#: libfaketime 0.9.10 answers EINVAL to the way Python sleeps since 3.11 (until a monotonic time): every thread of a
#: worker that sleeps would end, the one that renews leases first. So Python waits in `select`, which it lets be.
SLEEP = """import select, time

time.sleep = lambda seconds: select.select([], [], [], seconds)
"""


class Clock:
    """The wall clock of the processes that start with its `environment`; their monotonic clock goes on as it is."""

    def __init__(self, file: Path) -> None:
        """Begin with the right time. Raises Unavailable."""
        library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
        if library is None:
            raise Unavailable("libfaketime is not installed")
        self._file = file
        self.set(0)
        startup = file.with_suffix(".python")
        startup.mkdir()
        (startup / "sitecustomize.py").write_text(SLEEP)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
            "PYTHONPATH": str(startup),
        }

    def set(self, seconds: int) -> None:
        """Set it by so many seconds off the right time."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        fresh.chmod(0o644)
        os.replace(fresh, self._file)  # Path.replace does the same; nobody must read half a file
