"""One WebSocket that mainly sends: who may listen, bounded output, and how it is closed.

The parts run as tasks of one group. The one that ends the stream raises `Closing`, and the others end with it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async

from executions.live import hub, stream_limit
from executions.live.authentication import Login, chosen_subprotocol, log_in
from executions.observability.outages import is_outage
from telemetry.metrics import LIVE_CLIENTS

logger = logging.getLogger(__name__)

NORMAL, TOO_BIG, POLICY, INTERNAL, TRY_LATER, NO_LOGIN, UNKNOWN = 1000, 1009, 1008, 1011, 1013, 4401, 4404
TOO_MANY = 4429  # the organisation has too many streams
QUEUE_MESSAGES, QUEUE_CHARACTERS = 1_000, 16 * 1024 * 1024  # how far a slow socket may be behind
LONGEST_REQUEST = 4_096  # characters of a client's message
MALFORMED_LIMIT = 20  # malformed messages before the socket is closed
CLOSE_TIMEOUT = 1.0  # seconds
SUBSCRIBE_TIMEOUT = 1.0  # seconds that a stream waits for Redis before it starts without it
LOGIN_CHECK = 60.0  # seconds between two checks whether the user may still listen

P = ParamSpec("P")
R = TypeVar("R")
SNAPSHOTS_AT_ONCE = 2  # Python encodes one at a time; the other one waits for the database meanwhile

# Own threads: Channels shares one thread among all sockets, so everybody would wait for a snapshot of a thousand steps.
# Logins have other threads: when hundreds of clients connect, those who are connected do not wait for them.
_database_threads = ThreadPoolExecutor(SNAPSHOTS_AT_ONCE + 1, "live-database")
_login_threads = ThreadPoolExecutor(4, "live-login")


class Closing(Exception):
    """The stream ends with this close code; None if the client has gone."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that reads the database in a thread, and give its connection back afterwards."""
    call = database_sync_to_async(function, thread_sensitive=False, executor=_database_threads)
    return await call(*args, **kwargs)


async def in_login_thread(function: Callable[[], R]) -> R:
    """Do the same with a check of who may listen."""
    return await database_sync_to_async(function, thread_sensitive=False, executor=_login_threads)()


class Output:
    """The texts to send to the client. A socket that is too slow for them is closed with TRY_LATER."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        self._characters = 0
        self._overflow = asyncio.Event()

    def put(self, text: str) -> None:
        """Queue a text, or close the socket if it is too far behind."""
        if self._texts.qsize() >= QUEUE_MESSAGES or self._characters > QUEUE_CHARACTERS:
            self._overflow.set()
            return
        self._characters += len(text)
        self._texts.put_nowait(text)

    def finish(self) -> None:
        """Close normally after everything queued is sent."""
        self._texts.put_nowait(None)

    async def write(self) -> None:
        """Send the queued texts, until `finish`."""
        while (text := await self._texts.get()) is not None:
            await self._send({"type": "websocket.send", "text": text})
            self._characters -= len(text)
        raise Closing(NORMAL)

    async def close_if_slow(self) -> None:
        """End the stream when the socket is too slow."""
        await self._overflow.wait()
        raise Closing(TRY_LATER)


class LiveStream:
    """An ASGI application for one WebSocket. Subclasses say which group it follows and what it sends."""

    def __init__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        self.scope = scope
        self.output = Output(send)
        self.subscribed = asyncio.Event()
        self._receive = receive
        self._send = send
        self._malformed = 0
        #: The team of what is watched; `visible_to` sets it.
        self.team_id: uuid.UUID | None = None

    def group(self) -> str:
        """Return the Channels group to follow."""
        raise NotImplementedError

    def visible_to(self, login: Login) -> bool:
        """Return whether the user may listen. Runs in a thread of `in_login_thread`."""
        raise NotImplementedError

    def joined(self, *, anew: bool) -> None:  # noqa: ARG002 - called by keyword
        """Called when messages of the group are received from now on (see `hub`)."""
        self.subscribed.set()

    def heard(self, message: dict[str, Any]) -> None:
        """Handle a message of the group."""
        raise NotImplementedError

    def asked(self, _request: dict[str, Any]) -> bool:
        """Handle a request of the client; returns whether it was valid."""
        return False

    def more_work(self) -> list[Coroutine[Any, Any, None]]:
        """Return the coroutines that also run while the stream is open."""
        return []

    async def run(self) -> None:
        """Serve the socket from the handshake to the close."""
        code: int | None = INTERNAL
        try:
            await self._serve()
        except* Closing as closings:
            code = _first(closings).code
        except* OSError:  # the client has gone: uvicorn's ClientDisconnected
            code = None
        except* Exception as errors:
            if _all_outages(errors):
                logger.warning("a live stream is closed: %s", errors.exceptions[0])
                code = TRY_LATER
            else:
                logger.exception("a live stream failed")
        if code is not None:
            with suppress(OSError, RuntimeError, TimeoutError):  # a socket that is stuck or already closed
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._send({"type": "websocket.close", "code": code})

    async def _serve(self) -> None:
        """Accept first, refuse later: browsers show a close code, but not the reason of a refused handshake."""
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept", "subprotocol": chosen_subprotocol(self.scope)})
        login, slot = await in_login_thread(self._enter)
        try:
            await self._work(login, slot)
        finally:
            _login_threads.submit(slot.release)  # nobody waits for it: the client has gone

    async def _work(self, login: Login, slot: stream_limit.StreamSlot) -> None:
        with LIVE_CLIENTS.track_inprogress(), hub.following(self.group(), self):
            async with asyncio.TaskGroup() as tasks:
                for work in (self._read(), self._check_again(login, slot), *self.more_work()):
                    tasks.create_task(work)
                tasks.create_task(self.output.write())
                tasks.create_task(self.output.close_if_slow())

    def _enter(self) -> tuple[Login, stream_limit.StreamSlot]:
        """Check everything in one call: each change of thread waits for all others."""
        login = self._check()
        slot = stream_limit.take_slot(self.team_id) if self.team_id else None
        if slot is None:
            raise Closing(TOO_MANY)
        return login, slot

    def _check(self) -> Login:
        login = log_in(self.scope)
        if login is None:
            raise Closing(NO_LOGIN)
        if not self.visible_to(login):
            raise Closing(UNKNOWN)
        return login

    async def _check_again(self, login: Login, slot: stream_limit.StreamSlot) -> None:
        """Check every minute whether the login is valid and the user may still listen."""
        while True:
            left = LOGIN_CHECK if login.expires_at is None else login.expires_at - time.time()
            await asyncio.sleep(max(0.0, min(LOGIN_CHECK, left)) + 0.001)  # valid to its last moment
            login = await in_login_thread(self._check)
            await in_login_thread(slot.renew)

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise Closing(None)
            self._handle(message.get("text") or "")

    def _handle(self, text: str) -> None:
        if len(text) > LONGEST_REQUEST:
            raise Closing(TOO_BIG)
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            request = None
        if isinstance(request, dict) and (self._pinged(request) or self.asked(request)):
            return
        self._malformed += 1
        if self._malformed > MALFORMED_LIMIT:
            raise Closing(POLICY)

    def _pinged(self, request: dict[str, Any]) -> bool:
        """Answer `{"type": "ping"}`: a browser cannot send a WebSocket's own pings, nor see those of the server.

        Only who asks gets an answer, so programs that read the stream meet no type that they do not know.
        """
        if request.get("type") != "ping":
            return False
        self.output.put(json.dumps({"type": "pong", "timestamp": time.time_ns() // 1_000_000}))
        return True


def _all_outages(errors: BaseExceptionGroup[Exception]) -> bool:
    _, others = errors.split(is_outage)
    return others is None


def _first(closings: BaseExceptionGroup[Closing]) -> Closing:
    first = closings.exceptions[0]
    return first if isinstance(first, Closing) else _first(first)
