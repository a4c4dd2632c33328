"""Clients that follow executions over WebSocket while everything around them breaks."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.executions.live.replay import apply
from tests.servers.stack import LiveSession


@dataclass
class Watcher:
    """Follows one execution from its first snapshot to the close of the stream, in a thread; reconnects."""

    session: LiveSession
    execution_id: str
    gaps: list[str] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    updates: int = 0
    snapshots: int = 0
    reconnects: int = 0

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        address = f"{self.session.stack.web_socket_url}/api/v1/executions/{self.execution_id}/stream"
        while True:
            try:
                with connect(address, subprotocols=["bearer", self.session.token], max_size=None) as client:  # type: ignore[list-item] # Subprotocol is a str by another name
                    for text in client:
                        self._take(json.loads(text))
                return  # closed well: the execution is over
            except (OSError, WebSocketException):  # as the page does: come back, and begin with a snapshot
                self.reconnects += 1
                time.sleep(0.5)

    def _take(self, update: dict[str, Any]) -> None:
        self.updates += 1
        if update["updateType"] == "SNAPSHOT":
            self.snapshots += 1
            self.shown = update["execution"]
            return
        expected = self.shown["sequence"] + 1
        if update["sequence"] != expected:
            self.gaps.append(f"{self.execution_id}: {update['sequence']} came, {expected} was next")
        self.shown = apply(self.shown, update)

    def verdict(self, seconds: float = 20) -> list[str]:
        """Wait for the close of the stream; return what was wrong with it, compared with what REST gives."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            return [f"{self.execution_id}: the stream did not end"]
        stored = self.session.get(f"executions/{self.execution_id}")
        return self.gaps + ([] if self.shown == stored else [f"{self.execution_id}: shows something else"])
