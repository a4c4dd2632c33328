"""The shop's counters, in Prometheus' text format 0.0.4, at `/metrics`.

`shop_orders_accepted_total`, `shop_orders_fulfilled_total{sku="…"}`, `shop_items_fulfilled_total{sku="…"}`. A flow that
orders a sku of its own finds its own order in them. Counters begin at 0 with the process, as counters do.
"""

from __future__ import annotations

import threading
from collections import Counter

from lab.orders import Order

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts orders; also the outlet that is called `metrics`."""

    system = "metrics"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted = 0
        self._orders: Counter[str] = Counter()
        self._items: Counter[str] = Counter()

    def open(self) -> None:
        """Be ready at once."""

    def accepted(self) -> None:
        """Count an order that was accepted."""
        with self._lock:
            self._accepted += 1

    def write(self, order: Order) -> None:
        """Count an order that was fulfilled."""
        with self._lock:
            self._orders[order.sku] += 1
            self._items[order.sku] += order.quantity

    def forget(self, order_id: str) -> None:
        """Do nothing: counters only grow."""

    def close(self) -> None:
        """Hold nothing that has to be let go."""

    def text(self) -> str:
        """Return all counters as Prometheus reads them."""
        with self._lock:
            families = [
                ("shop_orders_accepted_total", "Orders accepted.", [f" {self._accepted}"]),
                ("shop_orders_fulfilled_total", "Orders fulfilled.", _samples(self._orders)),
                ("shop_items_fulfilled_total", "Items of orders fulfilled.", _samples(self._items)),
            ]
        lines: list[str] = []
        for name, meaning, samples in families:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} counter"]
            lines += [f"{name}{sample}" for sample in samples]
        return "\n".join(lines) + "\n"


def _samples(counter: Counter[str]) -> list[str]:
    # A sku is letters, digits and hyphens (lab/routes.py): nothing in it has to be escaped.
    return [f'{{sku="{sku}"}} {count}' for sku, count in sorted(counter.items())]
