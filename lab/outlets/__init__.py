"""The systems that the shop tells of an order once it is fulfilled, each in a module and a thread of its own.

| option | system | what is there some milliseconds after the order is FULFILLED |
| --- | --- | --- |
| `--sql URL`, repeatable | the URL's scheme | a row in `orders (id, sku, quantity, status, fulfilled_at)` |
| `--kafka HOST:PORT` | `kafka` | on `--topic` (`orders`): key ID, header `event-type: order.fulfilled`, EVENT |
| `--redis URL` | `redis` | `order:ID` with ORDER, for one hour |
| `--loki URL` | `loki` | in `{namespace="shop", app="shop", level="info"}`: LINE |

ORDER is `{"id", "sku", "quantity", "status", "fulfilledAt"}`, EVENT the same with `"type": "order.fulfilled"`, LINE
`order fulfilled id=ID sku=… quantity=… status=FULFILLED`. Schemes: `postgresql`, `mysql`, `mariadb`, `sqlite`.

Tables and topics are made where they are missing. What cannot be written is logged and given up after some seconds; the
others do not wait for it. A deleted order also leaves databases and cache; events, lines and counts stay.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Protocol

from lab.orders import Order

#: How long a system may take to answer before an order is given up there.
PATIENCE_SECONDS = 3


class Outlet(Protocol):
    """One system; used by one thread at a time. Its methods may raise whatever its client raises."""

    system: str

    def open(self) -> None:
        """Connect ahead of the first order; that this fails does no harm, the first order tries again."""

    def write(self, order: Order) -> None:
        """Tell the system of a fulfilled order."""

    def forget(self, order_id: str) -> None:
        """Take a deleted order away where that is possible."""

    def close(self) -> None:
        """Let go of connections."""


def as_json(order: Order, **more: Any) -> bytes:
    """Return what the outside is told of an order."""
    told = asdict(order)
    del told["acceptedAt"]
    return json.dumps(more | told).encode()
