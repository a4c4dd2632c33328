"""Hundreds of WebSocket clients in one thread: steady ones, slow ones, and some that come and go."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.executions.live.replay import apply
from tests.servers.stack import LiveSession


@dataclass
class Member:
    """A client that follows one execution until it is over, and what it shows."""

    execution_id: str
    #: Seconds that it takes to read an update.
    slowness: float = 0.0
    #: How often it leaves in the middle and comes back.
    absences: int = 0
    shown: dict[str, Any] = field(default_factory=dict)
    #: When it showed the end, in seconds since the epoch.
    ended_at: float = 0.0
    gaps: int = 0
    connections: int = 0

    async def follow(self, session: LiveSession, drawn: random.Random) -> None:
        """Connect, and again after whatever ends the stream before the execution's end."""
        address = f"{session.stack.web_socket_url}/api/v1/executions/{self.execution_id}/stream"
        login = [Subprotocol("bearer"), Subprotocol(session.token)]
        while not self.ended_at:
            self.connections += 1
            try:
                async with connect(address, subprotocols=login, open_timeout=60) as client:
                    await self._read(client, drawn)
            except (OSError, TimeoutError, WebSocketException):
                await asyncio.sleep(drawn.uniform(0.2, 1.0))

    async def _read(self, client: Any, drawn: random.Random) -> None:
        leaves_after = drawn.randint(1, 3) if self.absences > 0 else None
        async for number, text in _numbered(client):
            self._take(json.loads(text))
            if self.ended_at:
                return
            if number == leaves_after:
                self.absences -= 1
                return
            await asyncio.sleep(self.slowness)

    def _take(self, update: dict[str, Any]) -> None:
        if update["updateType"] == "SNAPSHOT":
            self.shown = update["execution"]
        else:
            self.gaps += update["sequence"] != self.shown["sequence"] + 1
            self.shown = apply(self.shown, update)
        if self.shown["status"] in ("COMPLETED", "FAILED", "CANCELLED"):
            self.ended_at = time.time()


async def _numbered(client: Any) -> Any:
    number = 0
    async for text in client:
        number += 1
        yield number, text


def follow_all(
    session: LiveSession, members: list[Member], *, when_all_see: Callable[[], None], seconds: float
) -> None:
    """Have all members follow their executions to the end; call `when_all_see` once each shows something.

    Raises TimeoutError where one does not get there in time.
    """

    async def everybody() -> None:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for number, each in enumerate(members):
                group.create_task(each.follow(session, random.Random(number)))
            while not all(each.shown for each in members):
                await asyncio.sleep(0.2)
            when_all_see()

    asyncio.run(everybody())
