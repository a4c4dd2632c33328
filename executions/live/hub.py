"""Hears what is published, over one Redis connection an event loop: a message is read once for all followers.

The format is that of channels_redis' pubsub layer, as in `events`, but not the layer's receiver: that one reads each
message anew for every follower, rests for a second after its connection broke, and tells nobody that it did.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import RedisError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from executions.live.events import SOCKET_TIMEOUT, layer_settings

logger = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0  # seconds between two tries to connect
QUIET = 5.0  # seconds without a message before Redis is asked whether it is there, and then for its answer


class Follower(Protocol):
    """Somebody who follows a group. Neither method may wait."""

    def joined(self, *, anew: bool) -> None:
        """Hear from now on everything that is published.

        `anew`: nobody here heard the group before. Called once more after each break of the connection.
        """

    def heard(self, message: dict[str, Any]) -> None:
        """Take a message of the group."""


class _Once(Retry):
    """Passes an error on. Redis-py's own first connects again, while the other task may be doing the same."""

    async def call_with_retry(self, do: Callable[[], Awaitable[T]], *_: Any, **__: Any) -> T:
        """Do it."""
        return await do()


class Hub:
    """The followers of one event loop, and the tasks that subscribe and listen for them."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Begin at once; needs a running event loop."""
        self._prefix = f"{config['prefix']}__group__"
        self._url: str = config["hosts"][0]
        self._followers: dict[str, set[Follower]] = {}
        #: Groups that Redis was asked for, and those of them that it has confirmed.
        self._asked: set[str] = set()
        self._confirmed: set[str] = set()
        self._changed = asyncio.Event()
        self._pause = FIRST_PAUSE
        self._task = asyncio.create_task(self._run(), name="live-hub")

    @contextmanager
    def following(self, group: str, follower: Follower) -> Iterator[None]:
        """Have the follower hear the group while the block runs."""
        self._followers.setdefault(group, set()).add(follower)
        self._changed.set()
        if group in self._confirmed:
            follower.joined(anew=False)
        try:
            yield
        finally:
            self._followers[group].discard(follower)
            if not self._followers[group]:
                del self._followers[group]
            self._changed.set()

    async def _run(self) -> None:
        """Keep a connection, for ever; none is opened while nobody follows anything."""
        while True:
            if not self._followers:
                self._changed.clear()
                await self._changed.wait()
                continue
            try:
                await self._serve()
            except* (RedisError, OSError) as errors:
                logger.warning("Live updates are not heard: %s", errors.exceptions[0])
            except* Exception:
                logger.exception("Live updates are not heard")
            self._confirmed.clear()
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _serve(self) -> None:
        """Subscribe and listen until the connection breaks."""
        self._asked.clear()
        # No `socket_timeout`: with one redis-py writes under `asyncio.wait_for`, which on Python 3.11 can lose a
        # cancellation, and the process would never end. A server that takes nothing does not answer pings either.
        client = Redis.from_url(self._url, socket_timeout=None, retry=_Once(NoBackoff(), 0))
        async with client, client.pubsub() as line, asyncio.TaskGroup() as tasks:
            async with asyncio.timeout(SOCKET_TIMEOUT):
                await line.connect()
            tasks.create_task(self._listen(line))
            while True:
                await self._subscribe(line)
                await self._changed.wait()

    async def _subscribe(self, line: PubSub) -> None:
        """Ask for what is followed, and for nothing else."""
        self._changed.clear()
        followed = set(self._followers)
        more, fewer = followed - self._asked, self._asked - followed
        self._asked = followed
        self._confirmed -= fewer
        if more:
            await line.subscribe(*(self._prefix + group for group in more))
        if fewer:
            await line.unsubscribe(*(self._prefix + group for group in fewer))

    async def _listen(self, line: PubSub) -> None:
        """Take what comes. Raises ConnectionError where Redis does not even answer a ping."""
        asked = False
        while True:
            message = await line.get_message(timeout=QUIET)
            if message is not None:
                self._take(message["type"], message["channel"], message["data"])
            elif asked:
                raise ConnectionError("Redis does not answer")
            else:
                await line.ping()
            asked = message is None

    def _take(self, kind: str, channel: bytes | None, data: Any) -> None:
        self._pause = FIRST_PAUSE
        group = (channel or b"").decode().removeprefix(self._prefix)
        followers = list(self._followers.get(group, ()))
        if kind == "subscribe" and group in self._asked:
            self._confirmed.add(group)
            for follower in followers:
                follower.joined(anew=True)
        elif kind == "message":
            _tell(followers, data)


def _tell(followers: list[Follower], data: bytes) -> None:
    try:
        message = cast(RedisPubSubChannelLayer, get_channel_layer()).deserialize(data)
        for follower in followers:
            follower.heard(message)
    except Exception:  # not ours: it must not keep the others from theirs
        logger.exception("A live message could not be read")


_hubs: WeakKeyDictionary[AbstractEventLoop, dict[str, Hub]] = WeakKeyDictionary()


@contextmanager
def following(group: str, follower: Follower) -> Iterator[None]:
    """Have the follower hear the group while the block runs; nothing where the settings have no Redis for it."""
    config = layer_settings()
    if config is None:
        yield
        return
    hubs = _hubs.setdefault(asyncio.get_running_loop(), {})
    url = config["hosts"][0]
    if url not in hubs:
        hubs[url] = Hub(config)
    with hubs[url].following(group, follower):
        yield
