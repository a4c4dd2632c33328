"""What is published is read once for all who follow; they are told where the connection broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from redis import Redis

from executions.live import events, hub
from executions.live.messages import Update
from tests.executions.live.conftest import TIMEOUT
from tests.faults.proxy import Mode, Proxy


class Listening:
    """A follower that remembers."""

    def __init__(self) -> None:
        self.joins = 0
        self.anew = False
        self.numbers: list[int] = []

    def joined(self, *, anew: bool) -> None:
        self.joins += 1
        self.anew = anew

    def heard(self, message: dict[str, Any]) -> None:
        self.numbers.append(message["sequence"])


def publish(number: int, of: str = "one") -> None:
    update: Update = {
        "executionId": of,
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


@asynccontextmanager
async def through(proxy: Proxy | None = None) -> AsyncIterator[hub.Hub]:
    """A hub of its own, on the tests' Redis or through a proxy to it."""
    address = f"redis://127.0.0.1:{proxy.port}" if proxy else settings.REDIS_URL
    made = hub.Hub({"prefix": "asgi", "hosts": [address]})
    try:
        yield made
    finally:
        made._task.cancel()
        await asyncio.wait([made._task])


@pytest.fixture
def proxy() -> Any:
    """A proxy before the tests' Redis."""
    address = urlsplit(settings.REDIS_URL)
    made = Proxy((address.hostname or "", address.port or 0))
    yield made
    made.stop()


def test_all_hear_what_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[bytes] = []
    tell = hub._tell

    def counted(followers: list[hub.Follower], data: bytes) -> None:
        reads.append(data)
        tell(followers, data)

    monkeypatch.setattr(hub, "_tell", counted)
    many, another = [Listening() for _ in range(50)], Listening()

    async def listen() -> None:
        async with through() as made:
            with ExitStack() as following:
                for each in many:
                    following.enter_context(made.following("execution.one", each))
                following.enter_context(made.following("execution.two", another))
                await until(lambda: all(each.joins for each in (*many, another)))
                publish(1)
                publish(7, of="two")
                publish(2)
                await until(lambda: all(each.numbers == [1, 2] for each in many) and another.numbers == [7])

    asyncio.run(listen())
    assert len(reads) == 3


def test_who_comes_later_joins_at_once_and_who_left_hears_nothing() -> None:
    first, second = Listening(), Listening()

    async def listen() -> None:
        async with through() as made:
            with made.following("execution.one", first):
                await until(lambda: first.joins == 1)
                with made.following("execution.one", second):
                    assert second.joins == 1
                    assert first.anew
                    assert not second.anew
                publish(1)
                await until(lambda: first.numbers == [1])
            name = "asgi__group__execution.one"
            with Redis.from_url(settings.REDIS_URL) as client:
                await until(lambda: client.pubsub_numsub(name)[0][1] == 0)

    asyncio.run(listen())
    assert second.numbers == []


def test_after_a_cut_they_are_told_and_hear_again(proxy: Proxy) -> None:
    followers = Listening(), Listening()

    async def listen() -> None:
        async with through(proxy) as made:
            with (
                made.following("execution.one", followers[0]),
                made.following("execution.two", followers[1]),
            ):
                await until(lambda: all(each.joins == 1 for each in followers))
                await asyncio.to_thread(proxy.cut)
                await until(lambda: all(each.joins == 2 for each in followers))
                publish(1)
                publish(2, of="two")
                await until(lambda: [each.numbers for each in followers] == [[1], [2]])

    asyncio.run(listen())


def test_a_redis_that_says_nothing_is_left(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "QUIET", 0.2)
    follower = Listening()

    async def listen() -> None:
        async with through(proxy) as made:
            with made.following("execution.one", follower):
                await until(lambda: follower.joins == 1)
                await asyncio.to_thread(proxy.set, Mode.BLACKHOLE)
                await until(lambda: not made._confirmed)
                await asyncio.to_thread(proxy.set, Mode.PASS)
                await until(lambda: follower.joins >= 2)
                publish(1)
                await until(lambda: follower.numbers == [1])

    asyncio.run(listen())


def test_what_nobody_can_read_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    follower = Listening()

    async def listen() -> None:
        async with through() as made:
            with made.following("execution.one", follower):
                await until(lambda: follower.joins == 1)
                with Redis.from_url(settings.REDIS_URL) as client:
                    client.publish("asgi__group__execution.one", b"\xc1 nonsense")
                publish(1)
                await until(lambda: follower.numbers == [1])

    asyncio.run(listen())
    assert "could not be read" in caplog.text
