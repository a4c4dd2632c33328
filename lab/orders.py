"""What the shop knows of an order."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """What the shop says about an order; times are milliseconds since the epoch."""

    id: str
    sku: str
    quantity: int
    status: str
    acceptedAt: int  # noqa: N815 - the name on the wire
    fulfilledAt: int | None = None  # noqa: N815 - the name on the wire


def now_ms() -> int:
    """Return milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def line_of(order: Order) -> str:
    """Return what the log says of a fulfilled order."""
    told = {"id": order.id, "sku": order.sku, "quantity": order.quantity, "status": order.status}
    return "order fulfilled " + " ".join(f"{name}={value}" for name, value in told.items())
