"""What the service has counted of itself so far, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY


def counted(name: str, **labels: str) -> float:
    """Return a sample's value, without `asynctester_`; 0 where nothing was counted yet."""
    return REGISTRY.get_sample_value(f"asynctester_{name}", labels) or 0.0


@contextmanager
def grows(name: str, *, by: float, **labels: str) -> Iterator[None]:
    """Assert that what the block does is counted so often."""
    before = counted(name, **labels)
    yield
    assert counted(name, **labels) - before == by
