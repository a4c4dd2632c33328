"""Child processes that never outlive their parent, and the ports they listen on."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)
# Loaded here and not in the child: between fork and exec nothing may be imported.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and group ids that a child runs under."""

    uid: int
    gid: int


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(host: str, port: int) -> bool:
    """Say whether a server could listen there now; raises OSError for an address that is not ours."""
    with socket.socket(_family(host)) as probe:
        # As servers do: a connection of an earlier run in TIME_WAIT does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            if problem.errno in (98, 48, 13):  # EADDRINUSE (Linux, BSD), EACCES: taken, or not for us
                return False
            raise
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def start(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    output: IO[str] | IO[bytes] | int | None = None,
    identity: Identity | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    inherited: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it gets `death_signal` when the calling thread's process dies.

    It keeps the `inherited` file descriptors and no others.
    Its own session keeps the terminal's Ctrl-C away from it: the parent decides in which order things end.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        env=None if environment is None else dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        start_new_session=True,
        pass_fds=inherited,
        preexec_fn=_prepare(identity, death_signal),  # noqa: PLW1509 - does system calls only, so it is safe after fork
    )


def _prepare(identity: Identity | None, death_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        if identity is not None:
            os.setgroups([])
            os.setgid(identity.gid)
            os.setuid(identity.uid)
        if _LIBC is not None:
            _LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal))  # after setuid, which clears it
            if os.getppid() != parent:  # the parent died before prctl
                os._exit(1)

    return prepare


def end(
    processes: Sequence[subprocess.Popen[bytes]],
    *,
    within: float = 4.0,
    asking: signal.Signals = signal.SIGTERM,
) -> None:
    """Ask all processes to end, with `asking`; kill the groups of those left after `within` seconds."""
    for process in processes:
        _signal(process, asking)
    deadline = time.monotonic() + within
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        _signal_group(process, signal.SIGKILL)  # what the child itself left behind, too
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)  # each child leads its own group


def wait_until(
    holds: Callable[[], bool], *, within: float, alive: subprocess.Popen[bytes] | None = None
) -> bool:
    """Poll `holds` until it is true (return True), the time or the process is over (False)."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if holds():
            return True
        if alive is not None and alive.poll() is not None:
            return False
        time.sleep(0.02)
    return False


def listens(host: str, port: int) -> bool:
    """Say whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
