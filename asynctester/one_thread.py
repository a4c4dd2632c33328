"""Django's ASGI handler, but a request goes through all middleware and the view in one piece, in a thread that is kept.

Django's own runs every piece that is synchronous (most middleware, WhiteNoise, all our views) as a call of its own into
a thread: a dozen changes of thread a request, half of what a short one costs. And that thread ends with the request,
so that on SQLite each one opened the database anew: 3 ms (measured). Nothing of ours is asynchronous but the
WebSockets, which do not come here.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase

from asynctester.fair_work import GONE

#: As Django's handler has them.
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

#: Threads that wait for the next request; there are as many as there are requests at once.
MOST_KEPT = 16


class OneThreadHandler(ASGIHandler):
    """Answers each request in one thread, and no other one meanwhile."""

    def __init__(self) -> None:
        """Begin without threads."""
        super().__init__()
        self._idle: list[ThreadPoolExecutor] = []

    def load_middleware(self, is_async: bool = False) -> None:
        """Put the chain together as for WSGI."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        gone = threading.Event()
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle({**scope, GONE: gone}, _noting(receive, gone), send)
        finally:
            self._put_back(thread)

    def _put_back(self, thread: ThreadPoolExecutor) -> None:
        if len(self._idle) < MOST_KEPT:
            self._idle.append(thread)
        else:
            thread.shutdown(wait=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response."""
        return await sync_to_async(self.get_response)(request)


def _noting(receive: Receive, gone: threading.Event) -> Receive:
    """Return a `receive` that sets the event once the client is gone: a thread cannot be ended, but it can look."""

    async def noting() -> Mapping[str, Any]:
        event = await receive()
        if event["type"] == "http.disconnect":
            gone.set()
        return event

    return noting
