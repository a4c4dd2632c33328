"""The topic: an `order.fulfilled` event an order, on Kafka."""

from __future__ import annotations

from kafka import KafkaProducer

from lab.orders import Order
from lab.outlets import PATIENCE_SECONDS, as_json

EVENT = "order.fulfilled"


class Topic:
    """Publishes to `topic` of the brokers at `servers` (`host:port`, several with commas)."""

    system = "kafka"

    def __init__(self, servers: str, topic: str) -> None:
        self._servers = servers.split(",")
        self._topic = topic
        self._producer: KafkaProducer | None = None

    def open(self) -> None:
        """Meet the brokers."""
        self._connected()

    def write(self, order: Order) -> None:
        """Publish the order's event and wait until all replicas have it."""
        sent = self._connected().send(
            self._topic,
            key=order.id.encode(),
            value=as_json(order, type=EVENT),
            headers=[("event-type", EVENT.encode())],
        )
        sent.get(timeout=PATIENCE_SECONDS)

    def forget(self, order_id: str) -> None:
        """Do nothing: a topic is a log."""

    def close(self) -> None:
        """Close the connections; what was not acknowledged is given up."""
        if self._producer is not None:
            self._producer.close(timeout=1)

    def _connected(self) -> KafkaProducer:
        # The constructor asks the brokers, which may come up after the shop.
        if self._producer is None:
            patience = PATIENCE_SECONDS * 1000
            self._producer = KafkaProducer(
                bootstrap_servers=self._servers,
                bootstrap_timeout_ms=patience,
                max_block_ms=patience,
                request_timeout_ms=patience,
                delivery_timeout_ms=patience,
                reconnect_backoff_max_ms=500,
                metrics_enabled=False,
            )
        return self._producer
