"""The log: a line an order, pushed to Loki (`POST /loki/api/v1/push`)."""

from __future__ import annotations

import time

import requests

from lab.orders import Order, line_of
from lab.outlets import PATIENCE_SECONDS

LABELS = {"namespace": "shop", "app": "shop", "level": "info"}


class Log:
    """Pushes lines to the Loki at `url`, `http://user:password@host:port`."""

    system = "loki"

    def __init__(self, url: str) -> None:
        self._address = f"{url.rstrip('/')}/loki/api/v1/push"
        self._session = requests.Session()
        self._session.trust_env = False  # a lab speaks to what it was told, never through a proxy

    def open(self) -> None:
        """Wait for the first line."""

    def write(self, order: Order) -> None:
        """Push the order's line; raises requests.RequestException, also for 4xx and 5xx."""
        stream = {"stream": LABELS, "values": [[str(time.time_ns()), line_of(order)]]}
        answer = self._session.post(self._address, json={"streams": [stream]}, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()

    def forget(self, order_id: str) -> None:
        """Do nothing: a log is not rewritten."""

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
