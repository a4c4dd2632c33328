"""Limits how long the body of a request may take: a pause in it, and the whole body by its size.

A slow body holds no thread and no database connection yet (Django reads it in the event loop), but it holds a socket
and memory for as long as its sender likes.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asynctester.middleware.refusals import TOO_SLOW, refuse
from telemetry import metrics

if TYPE_CHECKING:
    from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, ASGISendEvent, Scope


@dataclass(frozen=True)
class Patience:
    """The limits in seconds: for a pause, and for the whole body, plus one for each `rate` bytes."""

    pause: float
    total: float
    rate: float


class BodyDeadline:
    """ASGI middleware: answers 408 if a body does not arrive in time, and has the connection closed.

    `app` is the ASGI application behind it; it is told that the client has gone.
    """

    def __init__(self, app: Any, *, patience: Patience) -> None:
        self.app = app
        self.patience = patience

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Pass the request on."""
        body = _Body(self.patience, receive, send)
        await self.app(scope, body.receive, body.send)
        if body.late and not body.answered:
            metrics.request_answered(str(scope.get("method", "")), "unknown", TOO_SLOW[0], body.seconds)
            await refuse(send, TOO_SLOW)


@dataclass
class _Body:
    """One request's body on its way in."""

    patience: Patience
    _receive: Any
    _send: Any
    late: bool = False
    answered: bool = False
    _whole: bool = False
    _bytes: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    async def send(self, event: ASGISendEvent) -> None:
        """Pass an event on."""
        self.answered = True
        await self._send(event)

    async def receive(self) -> ASGIReceiveEvent:
        """Return what comes next; where it is late, that the client has gone."""
        if self._whole:
            event: ASGIReceiveEvent = (
                await self._receive()
            )  # the disconnect, which may take as long as the answer
            return event
        try:
            async with asyncio.timeout(self._left()):
                event = await self._receive()
        except TimeoutError:
            self.late = self._whole = True
            return {"type": "http.disconnect"}
        self._note(event)
        return event

    def _left(self) -> float:
        allowed = self.patience.total + self._bytes / self.patience.rate
        return min(self.patience.pause, allowed - self.seconds)

    def _note(self, event: Any) -> None:
        self._bytes += len(event.get("body", b""))
        self._whole = not event.get("more_body", False)
