"""Django's ASGI handler, but a request goes through all middleware and the view in one piece, in a thread that is kept.

Django's own runs every piece that is synchronous (most middleware, WhiteNoise, all our views) as a call of its own into
a thread: a dozen changes of thread a request, half of what a short one costs. And that thread ends with the request,
so that on SQLite each one opened the database anew: 3 ms (measured). Nothing of ours is asynchronous but the
WebSockets, which do not come here.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBase

from asynctester.middleware.fair_work import GONE

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

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002  # called by keyword
        """Put the chain together as for WSGI."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        gone = threading.Event()
        with _Thread(self._idle) as thread:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle({**scope, GONE: gone}, _noting(receive, gone), send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response."""
        return await sync_to_async(self._respond)(request)

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response. What is left is to send it: a client that reads slowly holds no database connection."""
        response = self.get_response(request)
        if not response.streaming:
            close_old_connections()
        return response


class _Thread(Executor):
    """The one thread of a request, taken from those that are kept when it is first needed.

    Before that a body comes in, which may take its client minutes.
    """

    def __init__(self, idle: list[ThreadPoolExecutor]) -> None:
        self._idle = idle
        self._taken: ThreadPoolExecutor | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it there."""
        if self._taken is None:
            self._taken = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "request")
        return self._taken.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002  # called by keyword
        """Put the thread back, at the end of the request."""
        thread, self._taken = self._taken, None
        if thread is None:
            return
        if len(self._idle) < MOST_KEPT:
            self._idle.append(thread)
        else:
            thread.shutdown(wait=False)


def _noting(receive: Receive, gone: threading.Event) -> Receive:
    """Return a `receive` that sets the event once the client is gone: a thread cannot be ended, but it can look."""

    async def noting() -> Mapping[str, Any]:
        event = await receive()
        if event["type"] == "http.disconnect":
            gone.set()
        return event

    return noting
