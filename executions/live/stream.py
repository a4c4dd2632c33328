"""One WebSocket that only tells: who may listen, bounded output, and how it ends.

The parts run as tasks of one group: whichever ends the stream raises `Closing`, and the others end with it.
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
from executions.outages import is_outage
from telemetry.metrics import LIVE_CLIENTS

logger = logging.getLogger(__name__)

NORMAL, TOO_BIG, POLICY, INTERNAL, TRY_LATER, NO_LOGIN, UNKNOWN = 1000, 1009, 1008, 1011, 1013, 4401, 4404
TOO_MANY = 4429  # streams of the organisation
QUEUE_MESSAGES, QUEUE_CHARACTERS = 1_000, 16 * 1024 * 1024  # what a slow socket may be behind
LONGEST_REQUEST = 4_096  # characters of a client's message
MALFORMED_LIMIT = 20  # messages that make no sense, before the socket is closed
CLOSE_TIMEOUT = 1.0  # seconds
SUBSCRIBE_TIMEOUT = 1.0  # seconds that a stream waits for Redis before it does without
LOGIN_CHECK = 60.0  # seconds between looks whether the user may still listen

P = ParamSpec("P")
R = TypeVar("R")
SNAPSHOTS_AT_ONCE = 2  # they are worked out one after the other anyway; the database is waited for meanwhile

# Threads of its own: the one thread that Channels shares among all sockets would let every watcher wait for a
# snapshot of a thousand steps. And others for those who come and go: when hundreds do, those who are in wait for none.
_database_threads = ThreadPoolExecutor(SNAPSHOTS_AT_ONCE + 1, "live-database")
_door_threads = ThreadPoolExecutor(4, "live-door")


class Closing(Exception):
    """The stream ends with this code; None where the client has gone."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that reads the database in a thread; its connection is given back afterwards."""
    call = database_sync_to_async(function, thread_sensitive=False, executor=_database_threads)
    return await call(*args, **kwargs)


async def at_the_door(function: Callable[[], R]) -> R:
    """Do the same with what asks who may come in, or stay."""
    return await database_sync_to_async(function, thread_sensitive=False, executor=_door_threads)()


class Output:
    """Texts on their way to the client; a socket that is too slow for them is closed with TRY_LATER."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        self._characters = 0
        self._overflow = asyncio.Event()

    def put(self, text: str) -> None:
        """Queue a text, or give the socket up."""
        if self._texts.qsize() >= QUEUE_MESSAGES or self._characters > QUEUE_CHARACTERS:
            self._overflow.set()
            return
        self._characters += len(text)
        self._texts.put_nowait(text)

    def finish(self) -> None:
        """Close normally once everything queued is sent."""
        self._texts.put_nowait(None)

    async def write(self) -> None:
        """Send what is queued, for ever."""
        while (text := await self._texts.get()) is not None:
            await self._send({"type": "websocket.send", "text": text})
            self._characters -= len(text)
        raise Closing(NORMAL)

    async def give_up(self) -> None:
        """End the stream once the socket is too slow."""
        await self._overflow.wait()
        raise Closing(TRY_LATER)


class LiveStream:
    """An ASGI application for one WebSocket; subclasses say which group it follows and what for."""

    def __init__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        self.scope = scope
        self.output = Output(send)
        self.subscribed = asyncio.Event()
        self._receive = receive
        self._send = send
        self._malformed = 0
        #: Whose stream it is; `visible_to` says so.
        self.team_id: uuid.UUID | None = None

    def group(self) -> str:
        """Return the Channels group to follow."""
        raise NotImplementedError

    def visible_to(self, login: Login) -> bool:
        """Return whether the user may listen (runs in a database thread)."""
        raise NotImplementedError

    def joined(self, *, anew: bool) -> None:
        """Know that messages of the group are heard from now on (see `hub`)."""
        self.subscribed.set()

    def heard(self, message: dict[str, Any]) -> None:
        """Take a message of the group."""
        raise NotImplementedError

    def asked(self, request: dict[str, Any]) -> bool:
        """Take a request of the client; return whether it made sense."""
        return False

    def more_work(self) -> list[Coroutine[Any, Any, None]]:
        """Return what else runs while the stream is open."""
        return []

    async def run(self) -> None:
        """Serve the socket from its handshake to its end."""
        code: int | None = INTERNAL
        try:
            await self._serve()
        except* Closing as closings:
            code = _first(closings).code
        except* OSError:  # the client has gone: uvicorn's ClientDisconnected
            code = None
        except* Exception as errors:
            if _all_outages(errors):
                logger.warning("A live stream ends: %s", errors.exceptions[0])
                code = TRY_LATER
            else:
                logger.exception("A live stream broke")
        if code is not None:
            with suppress(OSError, RuntimeError, TimeoutError):  # a socket that is stuck or already closed
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._send({"type": "websocket.close", "code": code})

    async def _serve(self) -> None:
        """Accept, and refuse only then: a browser shows a close code, but nothing of a refused handshake."""
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept", "subprotocol": chosen_subprotocol(self.scope)})
        login, place = await at_the_door(self._enter)
        try:
            await self._work(login, place)
        finally:
            _door_threads.submit(place.give_back)  # nobody waits: the client has gone

    async def _work(self, login: Login, place: stream_limit.Place) -> None:
        with LIVE_CLIENTS.track_inprogress(), hub.following(self.group(), self):
            async with asyncio.TaskGroup() as tasks:
                for work in (self._read(), self._stay_allowed(login, place), *self.more_work()):
                    tasks.create_task(work)
                tasks.create_task(self.output.write())
                tasks.create_task(self.output.give_up())

    def _enter(self) -> tuple[Login, stream_limit.Place]:
        """Ask all that has to be asked of a newcomer in one go: each change of thread waits for all others."""
        login = self._check()
        place = stream_limit.take(self.team_id) if self.team_id else None
        if place is None:
            raise Closing(TOO_MANY)
        return login, place

    def _check(self) -> Login:
        login = log_in(self.scope)
        if login is None:
            raise Closing(NO_LOGIN)
        if not self.visible_to(login):
            raise Closing(UNKNOWN)
        return login

    async def _stay_allowed(self, login: Login, place: stream_limit.Place) -> None:
        """Look again and again whether the login holds and the user may still see it."""
        while True:
            left = LOGIN_CHECK if login.expires_at is None else login.expires_at - time.time()
            await asyncio.sleep(max(0.0, min(LOGIN_CHECK, left)) + 0.001)  # valid to its last moment
            login = await at_the_door(self._check)
            await at_the_door(place.keep)

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise Closing(None)
            self._understand(message.get("text") or "")

    def _understand(self, text: str) -> None:
        if len(text) > LONGEST_REQUEST:
            raise Closing(TOO_BIG)
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            request = None
        if isinstance(request, dict) and self.asked(request):
            return
        self._malformed += 1
        if self._malformed > MALFORMED_LIMIT:
            raise Closing(POLICY)


def _all_outages(errors: BaseExceptionGroup[Exception]) -> bool:
    _, others = errors.split(is_outage)
    return others is None


def _first(closings: BaseExceptionGroup[Closing]) -> Closing:
    first = closings.exceptions[0]
    return first if isinstance(first, Closing) else _first(first)
