"""Limits the size of a request before Django writes it to a temporary file.

Django checks its own DATA_UPLOAD_MAX_MEMORY_SIZE only after the whole body is on disk, and REST framework treats a
chunked body, which has no Content-Length, as empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asynctester.middleware.refusals import TOO_LARGE, refuse

if TYPE_CHECKING:
    from asgiref.typing import (
        ASGIReceiveCallable,
        ASGIReceiveEvent,
        ASGISendCallable,
        HTTPScope,
        Scope,
    )


class BodyLimit:
    """ASGI middleware: answers 413 to a body of more than `limit` bytes, and gives chunked bodies a length.

    `app` is the ASGI application behind it.
    """

    def __init__(self, app: Any, *, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Pass the request on, or refuse it."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        if int(headers.get(b"content-length", 0)) > self.limit:
            await refuse(send, TOO_LARGE)
        elif scope["type"] == "http" and b"transfer-encoding" in headers:
            await self._pass_whole(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _pass_whole(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        body = await self._read(receive)
        if body is None:
            return
        if len(body) > self.limit:
            await refuse(send, TOO_LARGE)
            return
        headers = [*scope["headers"], (b"content-length", str(len(body)).encode())]
        await self.app({**scope, "headers": headers}, _replay(body, receive), send)

    async def _read(self, receive: ASGIReceiveCallable) -> bytes | None:
        """Return the body, or its beginning where it is too large; None where the client went away."""
        body = bytearray()
        more = True
        while more and len(body) <= self.limit:
            event = await receive()
            if event["type"] != "http.request":
                return None
            body += event.get("body", b"")
            more = event.get("more_body", False)
        return bytes(body)


def _replay(body: bytes, receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    """Return a `receive` that gives the body once, and afterwards what still comes: the disconnect."""
    events: list[ASGIReceiveEvent] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> ASGIReceiveEvent:
        return events.pop() if events else await receive()

    return replay
