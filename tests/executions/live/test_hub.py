"""What is published is read once for all who follow it in a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from django.conf import settings
from pytest_django import Settings
from redis import Redis

from executions.live import events, hub
from executions.live.messages import Update
from tests.executions.live.conftest import TIMEOUT

#: Of this process: Redis knows no databases where messages are published, and others run tests too.
FIRST, SECOND = f"execution.{uuid4()}", f"execution.{uuid4()}"


class Listening:
    """A follower that remembers."""

    def __init__(self) -> None:
        self.joins = self.joins_anew = 0
        self.numbers: list[int] = []

    def joined(self, *, anew: bool) -> None:
        self.joins += 1
        self.joins_anew += anew

    def heard(self, message: dict[str, Any]) -> None:
        self.numbers.append(message["sequence"])


def publish(number: int, of: str = FIRST) -> None:
    update: Update = {
        "executionId": of.removeprefix("execution."),
        "sequence": number,
        "timestamp": 1,
        "updateType": "MESSAGE",
        "message": "Something happened",
        "executionStatus": "IN_PROGRESS",
    }
    events.publish([update])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not holds():
            await asyncio.sleep(0.01)


def listeners(client: Any, group: str) -> int:
    [(_, count)] = client.pubsub_numsub(f"asgi__group__{group}")
    return int(count)


async def nothing_is_left() -> None:
    made, layer = hub._hubs[asyncio.get_running_loop()], get_channel_layer()
    assert isinstance(layer, RedisPubSubChannelLayer)
    of_loop = layer._get_layer()
    await until(lambda: not (made._followers or made._tasks or of_loop.channels or of_loop.groups))
    await layer.flush()


def test_all_hear_what_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    receive = RedisPubSubLoopLayer.receive

    async def counted(layer: Any, channel: str) -> Any:
        message = await receive(layer, channel)
        reads.append(channel)
        return message

    monkeypatch.setattr(RedisPubSubLoopLayer, "receive", counted)
    many, another = [Listening() for _ in range(50)], Listening()

    async def listen() -> None:
        with ExitStack() as following:
            for each in many:
                following.enter_context(hub.following(FIRST, each))
            following.enter_context(hub.following(SECOND, another))
            await until(lambda: all(each.joins == 1 for each in (*many, another)))
            publish(1)
            publish(7, of=SECOND)
            publish(2)
            await until(lambda: all(each.numbers == [1, 2] for each in many) and another.numbers == [7])
        await nothing_is_left()

    asyncio.run(listen())
    assert len(reads) == 3


def test_who_comes_later_joins_at_once_and_who_left_hears_nothing() -> None:
    first, second = Listening(), Listening()

    async def listen() -> None:
        with hub.following(FIRST, first):
            await until(lambda: first.joins == 1)
            with hub.following(FIRST, second):
                assert (second.joins, second.joins_anew) == (1, 0)
            publish(1)
            await until(lambda: first.numbers == [1])
        with Redis.from_url(settings.REDIS_URL) as client:
            await until(lambda: listeners(client, FIRST) == 0)
        await nothing_is_left()

    asyncio.run(listen())
    assert (first.joins, first.joins_anew, second.numbers) == (1, 1, [])


def test_whoever_comes_as_the_last_one_leaves_hears() -> None:
    first, second = Listening(), Listening()

    async def listen() -> None:
        for _ in range(20):
            with hub.following(FIRST, first):
                await asyncio.sleep(0)
        with hub.following(FIRST, second):
            await until(lambda: second.joins == 1)
            with Redis.from_url(settings.REDIS_URL) as client:
                await until(lambda: listeners(client, FIRST) == 1)
            publish(3)
            await until(lambda: second.numbers == [3])
        await nothing_is_left()

    asyncio.run(listen())


def test_a_subscription_that_loses_its_cancellation_goes_on_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As `asyncio.wait_for` of Python 3.11 does, under which redis-py writes."""
    group_add, began, let_go = RedisPubSubLoopLayer.group_add, asyncio.Event(), asyncio.Event()
    second = Listening()

    async def deaf(layer: Any, group: str, channel: str) -> None:
        if not began.is_set():
            began.set()
            with suppress(asyncio.CancelledError):
                await let_go.wait()
        await group_add(layer, group, channel)

    monkeypatch.setattr(RedisPubSubLoopLayer, "group_add", deaf)

    async def listen() -> None:
        with hub.following(FIRST, Listening()):
            await began.wait()
        with hub.following(FIRST, second):
            let_go.set()
            await until(lambda: second.joins > 0)
            publish(1)
            publish(2)
            await until(lambda: 2 in second.numbers)
        await nothing_is_left()

    asyncio.run(listen())
    assert (second.joins, second.numbers) == (1, [1, 2])


def test_whoever_cannot_take_a_message_keeps_no_other_from_it() -> None:
    class Broken(Listening):
        def heard(self, message: dict[str, Any]) -> None:
            raise RuntimeError

    followers = [Broken(), Listening(), Broken(), Listening()]

    async def listen() -> None:
        with ExitStack() as following:
            for each in followers:
                following.enter_context(hub.following(FIRST, each))
            await until(lambda: all(each.joins for each in followers))
            publish(1)
            await until(lambda: followers[1].numbers == followers[3].numbers == [1])
        await nothing_is_left()

    asyncio.run(listen())


def test_it_subscribes_once_redis_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PAUSE", 0.01)
    group_add, tries, follower = RedisPubSubLoopLayer.group_add, [1, 2, 3], Listening()

    async def refused(layer: Any, group: str, channel: str) -> None:
        if tries:
            tries.pop()
            raise ConnectionError
        await group_add(layer, group, channel)

    monkeypatch.setattr(RedisPubSubLoopLayer, "group_add", refused)

    async def listen() -> None:
        with hub.following(FIRST, follower):
            await until(lambda: follower.joins == 1)
            publish(1)
            await until(lambda: follower.numbers == [1])
        await nothing_is_left()

    asyncio.run(listen())
    assert not tries


def test_what_nobody_can_read_or_take_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    follower = Listening()

    async def listen() -> None:
        with hub.following(FIRST, follower):
            await until(lambda: follower.joins == 1)
            with Redis.from_url(settings.REDIS_URL) as client:
                await until(lambda: listeners(client, FIRST) == 1)
                layer: Any = get_channel_layer()
                client.publish(f"asgi__group__{FIRST}", b"\xc1 nonsense")
                client.publish(f"asgi__group__{FIRST}", layer.serialize({"no": "number"}))
            publish(1)
            await until(lambda: follower.numbers == [1])
        await nothing_is_left()

    asyncio.run(listen())
    assert "could not be read" in caplog.text
    assert "could not be taken" in caplog.text


def test_without_redis_nothing_is_followed(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    follower = Listening()

    async def listen() -> None:
        with hub.following(FIRST, follower):
            await asyncio.sleep(0)

    asyncio.run(listen())
    assert not follower.joins
