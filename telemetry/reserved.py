"""Reserves disk space for the metrics that processes share, before the library writes to it.

The library maps sparse files into memory. If the disk is full, a write to a hole is no error that could be caught:
the kernel ends the process with SIGBUS, web server and worker alike. Reserving the space first makes it an OSError.

The library has no setting for it. This class uses private names of one class, and pyproject.toml pins the library
exactly. It is there for correctness: it costs nothing, and makes nothing faster.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

FIRST_BYTES = 1 << 16  # as the library's own
ENTRY_BYTES = 64  # of one value, besides its name


class ReservedDict(MmapedDict):
    """The values of one process in a file; raises OSError if there is no room for a new one."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            with Path(filename).open("ab") as file:
                reserve(file.fileno(), FIRST_BYTES)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]  # the library has no types there

    def _init_value(self, key: str) -> None:
        inside: Any = self
        needed, capacity = inside._used + len(key.encode()) + ENTRY_BYTES, inside._capacity
        while capacity < needed:
            capacity *= 2
        if capacity > inside._capacity:
            reserve(inside._f.fileno(), capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]  # as above


def reserve(file: int, size: int) -> None:
    """Allocate the first bytes of the file on the disk, holes included; raises OSError."""
    if hasattr(os, "posix_fallocate"):  # not on macOS
        os.posix_fallocate(file, 0, size)


def use() -> None:
    """Make all metrics that are created from now on store their values like this."""
    vars(values)["MmapedDict"] = ReservedDict  # where the library looks for the class
