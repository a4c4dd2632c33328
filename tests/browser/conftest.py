"""What tests in a browser need besides the browser: a step that ends when the test says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.steprunners.target import Exchange, Target


@dataclass(frozen=True)
class Gate:
    """A server whose one answer comes when the test opens it: a page can be looked at before and after."""

    url: str
    opened: threading.Event

    def open(self) -> None:
        """Answer."""
        self.opened.set()

    def step(self, name: str, **more: Any) -> dict[str, Any]:
        """Return a step that ends once the gate is open."""
        return {"name": name, "stepType": "http", "meta": {"url": self.url}, "timeoutMs": 120_000, **more}


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A closed gate."""
    opened = threading.Event()

    def answer(exchange: Exchange) -> None:
        opened.wait(120)
        exchange.reply_json({})

    with Target() as server:
        yield Gate(server.route("/gate", answer), opened)
        opened.set()
