"""Processor time and memory of process trees, from /proc (Linux); time in ticks of 10 ms: good for runs of seconds."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat counted from behind the command's closing bracket (proc(5)).
_PARENT, _TIMES = 1, slice(11, 15)  # utime, stime, and those of children that have ended
_RESIDENT = 21  # pages


def seconds_of(processes: Sequence[subprocess.Popen[bytes]]) -> float:
    """Return the processor seconds that the processes and all their descendants have used so far."""
    ticks = sum(int(field) for stat in _trees(processes) for field in stat[_TIMES])
    return ticks / TICKS_PER_SECOND


def megabytes_of(processes: Sequence[subprocess.Popen[bytes]]) -> float:
    """Return the resident memory of the processes and all their descendants, in MiB."""
    return sum(int(stat[_RESIDENT]) for stat in _trees(processes)) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _trees(processes: Sequence[subprocess.Popen[bytes]]) -> list[list[str]]:
    stats = _all_stats()
    wanted = {process.pid for process in processes}
    grown = True
    while grown:
        children = {pid for pid, stat in stats.items() if int(stat[_PARENT]) in wanted}
        grown = not children <= wanted
        wanted |= children
    return [stats[pid] for pid in wanted if pid in stats]


def _all_stats() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                found[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
    return found


def freeze(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Stop the processes' groups, so that work can be queued for them."""
    for process in processes:
        os.killpg(process.pid, signal.SIGSTOP)


def thaw(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Let them go on."""
    for process in processes:
        os.killpg(process.pid, signal.SIGCONT)
