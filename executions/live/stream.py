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
from typing import Any, ParamSpec, TypeVar, cast

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import RedisError

from executions.live import places
from executions.live.authentication import Login, chosen_subprotocol, log_in
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
# Threads of its own: the one thread that Channels shares among all sockets would let every watcher wait for a
# snapshot of a thousand steps.
_database_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="live-database")
_background: set[asyncio.Task[Any]] = set()  # the event loop itself holds tasks weakly


class Closing(Exception):
    """The stream ends with this code; None where the client has gone."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that reads the database in a thread; its connection is given back afterwards."""
    call = database_sync_to_async(function, thread_sensitive=False, executor=_database_threads)
    return await call(*args, **kwargs)


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
        except* Exception:
            logger.exception("A live stream broke")
        if code is not None:
            with suppress(OSError, RuntimeError, TimeoutError):  # a socket that is stuck or already closed
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._send({"type": "websocket.close", "code": code})

    async def _serve(self) -> None:
        """Accept, and refuse only then: a browser shows a close code, but nothing of a refused handshake."""
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept", "subprotocol": chosen_subprotocol(self.scope)})
        login = await self._check()
        place = await in_database(places.take, self.team_id) if self.team_id else None
        if place is None:
            raise Closing(TOO_MANY)
        try:
            await self._work(login, place)
        finally:
            _database_threads.submit(place.give_back)  # nobody waits: the client has gone

    async def _work(self, login: Login, place: places.Place) -> None:
        with LIVE_CLIENTS.track_inprogress():
            await self._work_together(login, place)

    async def _work_together(self, login: Login, place: places.Place) -> None:
        async with asyncio.TaskGroup() as tasks:
            for work in (self._read(), self._listen(), self._stay_allowed(login, place), *self.more_work()):
                tasks.create_task(work)
            tasks.create_task(self.output.write())
            tasks.create_task(self.output.give_up())

    async def _check(self) -> Login:
        login = await in_database(log_in, self.scope)
        if login is None:
            raise Closing(NO_LOGIN)
        if not await in_database(self.visible_to, login):
            raise Closing(UNKNOWN)
        return login

    async def _stay_allowed(self, login: Login, place: places.Place) -> None:
        """Look again and again whether the login holds and the user may still see it."""
        while True:
            left = LOGIN_CHECK if login.expires_at is None else login.expires_at - time.time()
            await asyncio.sleep(max(0.0, min(LOGIN_CHECK, left)) + 0.001)  # valid to its last moment
            login = await self._check()
            await in_database(place.keep)

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

    async def _listen(self) -> None:
        """Follow the group. Without Redis the stream lives on: the reconciler brings what is missed."""
        layer = cast(RedisPubSubChannelLayer, get_channel_layer())
        # Not `new_channel()`: it subscribes to a second Redis channel, which nobody here sends to, and leaves a
        # queue behind each time that Redis does not answer.
        channel = f"live.{uuid.uuid4().hex}"
        layer.channels[channel] = asyncio.Queue()
        try:
            await self._subscribe(layer, channel)
            while True:
                self.heard(await layer.receive(channel))
        finally:
            layer.channels.pop(channel, None)
            in_background(_leave(layer, self.group(), channel))  # the close code does not wait for Redis

    async def _subscribe(self, layer: RedisPubSubChannelLayer, channel: str) -> None:
        while not self.subscribed.is_set():
            try:
                # Shielded: redis-py writes under `asyncio.wait_for`, which on Python 3.11 can lose a cancellation (the
                # stream would stay open for ever), and else drops the connection that all streams share.
                await asyncio.shield(in_background(layer.group_add(self.group(), channel)))
                self.subscribed.set()
            except (RedisError, OSError) as error:
                logger.warning("A live stream could not subscribe: %s", error)
                await asyncio.sleep(SUBSCRIBE_TIMEOUT)


async def _leave(layer: RedisPubSubChannelLayer, group: str, channel: str) -> None:
    with suppress(RedisError, OSError):
        await layer.group_discard(group, channel)


def in_background(work: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
    """Run it to its end, whatever becomes of the stream that asked for it."""
    task = asyncio.create_task(work)
    _background.add(task)
    task.add_done_callback(_forget)
    return task


def _forget(task: asyncio.Task[Any]) -> None:
    _background.discard(task)
    if not task.cancelled():
        task.exception()  # seen: whoever waits for it is told too


def _first(closings: BaseExceptionGroup[Closing]) -> Closing:
    first = closings.exceptions[0]
    return first if isinstance(first, Closing) else _first(first)
