"""Hears what is published: one channel of the Channels layer for each group, read once for all its followers."""

from __future__ import annotations

import asyncio
import logging
import uuid
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import RedisError

from executions.live.detached_tasks import in_background
from executions.live.events import layer_settings

logger = logging.getLogger(__name__)

PAUSE = 1.0  # seconds from one try to subscribe to the next, while Redis is away


class Follower(Protocol):
    """Somebody who follows a group. Neither method may block."""

    def joined(self, *, anew: bool) -> None:
        """Learn that messages arrive from now on, as long as the connection holds.

        `anew`: the subscription has just begun, so nobody in this process heard what was published before.
        """

    def heard(self, message: dict[str, Any]) -> None:
        """Take a message of the group."""


class Hub:
    """The followers of one event loop, and a task for each group that is followed."""

    def __init__(self, layer: RedisPubSubChannelLayer) -> None:
        self.layer = layer
        self._followers: dict[str, set[Follower]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        #: The channel of each group that was joined.
        self._joined: dict[str, str] = {}
        #: If a group is left and joined at the same time, the layer believes it joined, and then unsubscribes.
        self._changing = asyncio.Lock()

    @contextmanager
    def following(self, group: str, follower: Follower) -> Iterator[None]:
        """Have the follower hear the group while the block runs."""
        self._followers.setdefault(group, set()).add(follower)
        if group not in self._tasks:
            self._tasks[group] = in_background(self._follow(group))
        elif group in self._joined:
            follower.joined(anew=False)
        try:
            yield
        finally:
            self._followers[group].discard(follower)
            if not self._followers[group]:
                self._joined.pop(group, None)
                del self._followers[group]
                self._tasks.pop(group).cancel()

    async def _follow(self, group: str) -> None:
        """Follow the group. Without Redis the streams live on: the reconciler brings what they miss."""
        # A name of our own, not `new_channel()`: that leaves a queue behind each time that Redis does not answer.
        channel = f"live.{uuid.uuid4().hex}"
        reading = in_background(self._read(group, channel))  # the layer makes the channel when this begins
        try:
            await self._subscribe(group, channel)
            self._joined[group] = channel
            for follower in list(self._followers[group]):
                follower.joined(anew=True)
            await asyncio.shield(reading)  # for ever; `_leave` cancels it
        finally:
            in_background(self._leave(group, channel, reading))  # nobody waits for Redis

    async def _read(self, group: str, channel: str) -> None:
        while True:
            message = await self._receive(channel)
            # What was published before the followers joined is in the snapshots that they take then.
            if message is not None and self._joined.get(group) == channel:
                self._tell(group, message)

    async def _subscribe(self, group: str, channel: str) -> None:
        while True:
            try:
                # Shielded, because redis-py writes under `asyncio.wait_for`. On Python 3.11 that can lose a
                # cancellation, and the task would run for ever. If it does not lose it, redis-py closes the
                # connection that all groups share.
                await asyncio.shield(in_background(self._join(group, channel)))
            except (RedisError, OSError) as error:
                logger.warning("Live updates are not heard: %s", error)
                await asyncio.sleep(PAUSE)
            else:
                return

    async def _receive(self, channel: str) -> dict[str, Any] | None:
        try:
            message: dict[str, Any] = await self.layer.receive(channel)
        except (RedisError, OSError):  # the channel is made all the same, and the group alone is published to
            return None
        except Exception:  # a message of somebody else; the next one may be ours
            logger.exception("A live message could not be read")
            return None
        return message

    def _tell(self, group: str, message: dict[str, Any]) -> None:
        for follower in list(self._followers[group]):
            try:
                follower.heard(message)
            except Exception:  # it must not keep the others from theirs
                logger.exception("A live message could not be taken")

    async def _join(self, group: str, channel: str) -> None:
        async with self._changing:
            await self.layer.group_add(group, channel)

    async def _leave(self, group: str, channel: str, reading: asyncio.Task[None]) -> None:
        async with self._changing:  # after `_join`, which began before
            with suppress(RedisError, OSError):
                await self.layer.group_discard(group, channel)
            reading.cancel()  # the layer forgets the channel then


_hubs: WeakKeyDictionary[AbstractEventLoop, Hub] = WeakKeyDictionary()


@contextmanager
def following(group: str, follower: Follower) -> Iterator[None]:
    """Have the follower hear the group while the block runs; nothing where the settings have no Redis for it."""
    if layer_settings() is None:
        yield
        return
    layer = cast(RedisPubSubChannelLayer, get_channel_layer())
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None or hub.layer is not layer:
        hub = _hubs[loop] = Hub(layer)
    with hub.following(group, follower):
        yield
