"""The shop: takes an order at once, and fulfils it a little later in the background.

Fulfilling writes the order and an `order.fulfilled` event to the shop's own SQLite database, and then tells the
systems behind it (lab/outlets). Until then the order is known as ACCEPTED.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lab.delivery import Delivery
from lab.faults import Faults
from lab.metrics import Metrics
from lab.orders import Order, line_of, now_ms
from lab.outlets import Outlet

logger = logging.getLogger(__name__)

SCHEMA = """
create table if not exists orders (
    id text primary key, sku text not null, quantity integer not null, status text not null,
    accepted_at integer not null, fulfilled_at integer not null
);
create table if not exists events (
    number integer primary key, type text not null, order_id text not null, quantity integer not null,
    published_at integer not null
);
create index if not exists events_of_order on events (order_id);
"""
MOST_EVENTS = 100


class Shop:
    """Orders, events, and the thread that fulfils; every method may be called from any thread."""

    def __init__(self, database: Path, *, delay_ms: int = 400, outlets: Sequence[Outlet] = ()) -> None:
        self.metrics = Metrics()
        self._deliveries = [Delivery(outlet) for outlet in (self.metrics, *outlets)]
        self._delay = delay_ms / 1000
        self._lock = threading.Lock()
        self._accepted: dict[str, tuple[Order, Faults]] = {}
        self._failures: Counter[str] = Counter()
        self._inbox: queue.Queue[tuple[float, str] | None] = queue.Queue()
        self._database = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("pragma journal_mode=wal")
        self._database.executescript(SCHEMA)
        self._fulfilment = threading.Thread(target=self._fulfil_all, name="fulfilment", daemon=True)
        self._fulfilment.start()

    def close(self) -> None:
        """Stop fulfilling; orders that are only accepted are forgotten."""
        self._inbox.put(None)
        self._fulfilment.join()
        for delivery in self._deliveries:
            delivery.close()
        self._database.close()

    def accept(self, *, sku: str, quantity: int, faults: Faults | None = None) -> Order:
        """Take an order; it is fulfilled after the shop's delay, with those faults behind the shop."""
        order = Order(str(uuid.uuid4()), sku, quantity, "ACCEPTED", now_ms())
        with self._lock:
            self._accepted[order.id] = order, faults or Faults()
        self.metrics.accepted()
        self._inbox.put((time.monotonic() + self._delay, order.id))
        return order

    def order(self, order_id: str) -> Order | None:
        """Return the order as it is now."""
        with self._lock:
            if order_id in self._accepted:
                return self._accepted[order_id][0]
            row = self._database.execute("select * from orders where id = ?", (order_id,)).fetchone()
        if row is None:
            return None
        return Order(
            row["id"], row["sku"], row["quantity"], row["status"], row["accepted_at"], row["fulfilled_at"]
        )

    def delete(self, order_id: str) -> bool:
        """Forget the order; say whether there was one. Its events stay: a log is not rewritten."""
        with self._lock:
            if self._accepted.pop(order_id, None) is not None:
                return True
            known = self._database.execute("delete from orders where id = ?", (order_id,)).rowcount > 0
        if known:
            for delivery in self._deliveries:
                delivery.forget(order_id)
        return known

    def events(self, order_id: str) -> list[dict[str, Any]]:
        """Return the newest events, oldest first; those of one order where `order_id` is given."""
        columns = 'number, type, order_id as "orderId", quantity, published_at as "publishedAt"'
        order = "order by number desc limit ?"
        with self._lock:
            if order_id:
                query = f"select {columns} from events where order_id = ? {order}"  # noqa: S608 - constants only
                rows = self._database.execute(query, (order_id, MOST_EVENTS)).fetchall()
            else:
                query = f"select {columns} from events {order}"  # noqa: S608 - constants only
                rows = self._database.execute(query, (MOST_EVENTS,)).fetchall()
        return [dict(row) for row in reversed(rows)]

    def fails_now(self, key: str, *, failures: int) -> bool:
        """Say whether this call is among the first `failures` ones with this key."""
        with self._lock:
            self._failures[key] += 1
            return self._failures[key] <= failures

    def _fulfil_all(self) -> None:
        # All orders wait equally long, so the first that came is the first that is due.
        while (entry := self._inbox.get()) is not None:
            due, order_id = entry
            time.sleep(max(0.0, due - time.monotonic()))
            self._fulfil(order_id)

    def _fulfil(self, order_id: str) -> None:
        with self._lock:
            accepted = self._accepted.pop(order_id, None)
            if accepted is None:  # deleted meanwhile
                return
            order, faults = accepted
            fulfilled = replace(order, status="FULFILLED", fulfilledAt=now_ms())
            self._write(fulfilled)
        logger.info(line_of(fulfilled))
        for delivery in self._deliveries:
            delivery.deliver(fulfilled, faults, still_there=lambda id_: self.order(id_) is not None)

    def _write(self, order: Order) -> None:
        self._database.execute("begin")
        self._database.execute(
            "insert into orders values (:id, :sku, :quantity, :status, :acceptedAt, :fulfilledAt)",
            asdict(order),
        )
        self._database.execute(
            "insert into events (type, order_id, quantity, published_at) values (?, ?, ?, ?)",
            ("order.fulfilled", order.id, order.quantity, order.fulfilledAt),
        )
        self._database.execute("commit")
