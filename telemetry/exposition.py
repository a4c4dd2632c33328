"""What Prometheus is shown: this process's metrics, or those of all processes that share a folder.

With PROMETHEUS_MULTIPROC_DIR every process writes its values into files there, and whichever is asked adds them up;
files of gauges go with their process, while those of counters stay, since a counter must not fall. Without it each
process shows its own. See https://prometheus.github.io/client_python/multiprocess/.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

_OF_GAUGE = re.compile(r"gauge_live\w*_(\d+)\.db")


def folder() -> Path | None:
    """Return the folder that the processes of this machine share; None where each is on its own."""
    named = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # by the name under which the library looks for it
    return Path(named) if named else None


def render(accept: str, more: Sequence[Collector] = ()) -> tuple[bytes, str]:
    """Return the metrics and those of `more` collectors, and their content type, in the format asked for."""
    registry = CollectorRegistry()
    shared = folder()
    if shared is None:
        registry.register(REGISTRY)
    else:
        forget_dead(shared)
        MultiProcessCollector(registry, str(shared))  # type: ignore[no-untyped-call]  # the library has no types there
    for collector in more:
        registry.register(collector)
    encode, content_type = _encoder(accept)
    return encode(registry), content_type


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none
        return choose_encoder("")


def forget_dead(shared: Path) -> None:
    """Remove the gauges of processes that are no more: also of those that were killed."""
    for path in shared.glob("gauge_live*.db"):
        owner = _OF_GAUGE.fullmatch(path.name)
        if owner is not None and not _lives(int(owner[1])):
            path.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, so it lives
        return True
    return True
