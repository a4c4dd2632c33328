"""Valkey, as broker, channel layer and later as a system under test."""

from __future__ import annotations

import subprocess
from pathlib import Path

from asynctester.embedded import valkey
from asynctester.embedded.processes import free_port
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
