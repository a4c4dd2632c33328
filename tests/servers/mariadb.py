"""MariaDB from the machine's own binaries (Debian: mariadb-server).

The server refuses to run as root, so root starts it under another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pymysql
import trustme

from asynctester.embedded.processes import Identity, free_port
from tests.servers.server import Unavailable, launch

USER, PASSWORD, DATABASE = "shopkeeper", "tea & \u00fcber-secret", "shop"
#: A second one, which the lab's shop writes to: its driver sends passwords as Latin-1.
LAB = "lab"


def start_mariadb(folder: Path, certificate: trustme.LeafCert) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server with the user and the database above, and with TLS; return its process and port.

    Raises Unavailable.
    """
    server, installer = _binary("mariadbd"), _binary("mariadb-install-db")
    identity = _identity()
    data = folder / "data"
    data.mkdir()
    if identity is not None:
        os.chown(data, identity.uid, identity.gid)
    setup = folder / "setup.sql"
    setup.write_text(
        f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;\n"
        f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON {DATABASE}.* TO '{USER}'@'%';\n"
        f"CREATE DATABASE {LAB} CHARACTER SET utf8mb4;\n"
        f"CREATE USER '{LAB}'@'%' IDENTIFIED BY '{LAB}-password';\n"
        f"GRANT ALL ON {LAB}.* TO '{LAB}'@'%';\n",
        encoding="utf-8",
    )
    pair = folder / "pair.pem"
    pair.write_bytes(certificate.private_key_and_cert_chain_pem.bytes())
    _install(installer, data, identity)
    port = free_port()
    process = launch(
        [
            server,
            "--no-defaults",
            f"--datadir={data}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={data}/mariadb.sock",
            f"--pid-file={data}/mariadb.pid",
            f"--init-file={setup}",
            f"--ssl-cert={pair}",
            f"--ssl-key={pair}",
            "--skip-log-bin",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=32M",
            "--character-set-server=utf8mb4",
        ],
        ready=lambda: _accepts(port),
        log=folder / "mariadb.log",
        identity=identity,
    )
    return process, port


def connect(port: int) -> pymysql.Connection[Any]:
    """Return a connection of the tests' own, in autocommit mode."""
    return pymysql.connect(
        host="127.0.0.1",
        port=port,
        user=USER,
        password=PASSWORD.encode(),  # text would go out as Latin-1
        database=DATABASE,
        charset="utf8mb4",
        autocommit=True,
    )


def _accepts(port: int) -> bool:
    try:
        connect(port).close()
    except pymysql.Error:
        return False
    return True


def _binary(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
    if found is None:
        raise Unavailable(f"no MariaDB: there is no {name} (Debian: apt-get install mariadb-server)")
    return found


def _identity() -> Identity | None:
    """Return whom to run as; None means as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("mysql", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(user.pw_uid, user.pw_gid)
    raise Unavailable("MariaDB does not run as root, and there is no user `mysql` or `nobody`")


def _install(installer: str, data: Path, identity: Identity | None) -> None:
    user = {} if identity is None else {"user": identity.uid, "group": identity.gid, "extra_groups": []}
    command = [installer, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    command += ["--skip-test-db", "--skip-name-resolve"]
    done = subprocess.run(command, capture_output=True, check=False, cwd="/", **user)  # type: ignore[call-overload] # mypy cannot match a ** of mixed values
    if done.returncode != 0:
        raise Unavailable(
            f"mariadb-install-db failed: {(done.stdout + done.stderr).decode(errors='replace')[-500:]}"
        )
