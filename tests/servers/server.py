"""What every server module builds on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from asynctester.embedded.processes import Identity, start, wait_until


class Unavailable(Exception):
    """This machine cannot have the server; the message says why and becomes the reason of skipped tests."""


def launch(
    command: Sequence[str | Path],
    *,
    ready: Callable[[], bool],
    log: Path,
    identity: Identity | None = None,
    environment: Mapping[str, str] | None = None,
    within: float = 30,
) -> subprocess.Popen[bytes]:
    """Start a server and wait until it is ready; raises Unavailable with the end of its log."""
    with log.open("wb") as output:
        process = start(command, output=output, identity=identity, environment=environment)
    if not wait_until(ready, within=within, alive=process):
        process.kill()
        process.wait()
        raise Unavailable(f"{Path(command[0]).name} did not start: {tail(log)}")
    return process


def tail(log: Path, characters: int = 1_500) -> str:
    """Return the end of a log."""
    return log.read_text(errors="replace")[-characters:].strip()
