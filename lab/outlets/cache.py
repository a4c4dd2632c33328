"""The cache: the order as JSON under `order:ID`, in Redis or Valkey."""

from __future__ import annotations

from redis import Redis

from lab.orders import Order
from lab.outlets import PATIENCE_SECONDS, as_json

LIFETIME_SECONDS = 3600


class Cache:
    """Writes keys to the server at `url`, `redis://user:password@host:port/number`; raises ValueError."""

    system = "redis"

    def __init__(self, url: str) -> None:
        self._client = Redis.from_url(
            url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
        )

    def open(self) -> None:
        """Connect and log in."""
        self._client.ping()

    def write(self, order: Order) -> None:
        """Keep the order for an hour."""
        self._client.set(f"order:{order.id}", as_json(order), ex=LIFETIME_SECONDS)

    def forget(self, order_id: str) -> None:
        """Delete the order's key."""
        self._client.delete(f"order:{order_id}")

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
