"""How a stream ends when its client misbehaves from the first moment."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from channels_redis.pubsub import RedisPubSubLoopLayer
from websockets.exceptions import ConnectionClosed

from accounts.models import Team, User
from asynctester.embedded.processes import wait_until
from executions.live import stream
from tests.counted import counted
from tests.executions.live.conftest import Watch
from tests.executions.rows import make_execution

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stream_that_ends_while_it_subscribes_is_closed(watch: Watch, team: Team, alice: User) -> None:
    """Another watcher has the group open already, so the subscription ends just when the stream does."""
    path = f"executions/{make_execution(team).pk}"
    with watch(path, user=alice) as other:
        other.next()
        for _ in range(5):
            with watch(path, user=alice) as client:
                with suppress(ConnectionClosed):
                    for _ in range(stream.MALFORMED_LIMIT + 1):
                        client.send("nonsense")
                assert client.until_close()[1] == 1008


def test_a_subscription_that_loses_its_cancellation_keeps_no_stream_open(
    watch: Watch, team: Team, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `asyncio.wait_for` of Python 3.11 does, under which redis-py writes."""
    group_add = RedisPubSubLoopLayer.group_add

    async def deaf(layer: Any, group: str, channel: str) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(600)  # the nonsense ends it
        await group_add(layer, group, channel)

    monkeypatch.setattr(RedisPubSubLoopLayer, "group_add", deaf)
    with watch(f"teams/{team.pk}", user=alice) as client:
        with suppress(ConnectionClosed):
            for _ in range(stream.MALFORMED_LIMIT + 1):
                client.send("nonsense")
        assert client.until_close()[1] == 1008


def test_open_streams_are_counted(watch: Watch, team: Team, alice: User) -> None:
    before = counted("live_clients")
    with watch(f"executions/{make_execution(team).pk}", user=alice) as client:
        client.next()
        assert counted("live_clients") == before + 1
    assert wait_until(lambda: counted("live_clients") == before, within=30)
