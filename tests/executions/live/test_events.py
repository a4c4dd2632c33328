"""Publishing: arrives through Channels' own layer, never holds up, survives an outage."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from typing import Any

import pytest
import redis
from channels.layers import channel_layers, get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from pytest_django import Settings

from accounts.models import Team
from executions.live import events
from executions.live.messages import Update, execution_update, step_update
from tests.counted import counted
from tests.executions.rows import make_execution, make_step


def update(number: int, execution_id: str = "one", **more: Any) -> Update:
    return {
        "executionId": execution_id,
        "sequence": number,
        "timestamp": 1,
        "updateType": "MESSAGE",
        "message": "Something happened",
        "executionStatus": "IN_PROGRESS",
        **more,  # type: ignore[typeddict-item]  # tests send values of any kind
    }


async def heard_by_group(group: str, updates: list[Update], count: int) -> list[dict[str, Any]]:
    """Publish from this process and receive through the layer, as a consumer does."""
    layer = RedisPubSubChannelLayer(**channel_layers.configs["default"]["CONFIG"])
    channel = await layer.new_channel()
    try:
        await layer.group_add(group, channel)
        events.publish(updates)
        async with asyncio.timeout(10):
            return [await layer.receive(channel) for _ in range(count)]
    finally:
        await layer.flush()


def test_arrives_through_the_layer_in_order() -> None:
    updates = [update(number) for number in range(1, 301)]
    heard = asyncio.run(heard_by_group("execution.one", updates, 300))
    assert [message["sequence"] for message in heard] == list(range(1, 301))
    assert json.loads(heard[0]["text"]) == updates[0]
    assert heard[0]["type"] == "execution.update"
    assert not heard[0]["final"]


def test_same_format_as_group_send() -> None:
    layer = get_channel_layer()
    assert isinstance(layer, RedisPubSubChannelLayer)
    [(_, message)] = events.channel_messages(update(1), {"execution.one"})
    assert layer.deserialize(layer.serialize(message)) == message


@pytest.mark.parametrize("value", [2**70, "\ud800", "nul \x00", 1.5e300])
def test_values_that_msgpack_cannot_carry(value: Any) -> None:
    sent = update(1, stepUpdate={"response": value})
    [message] = asyncio.run(heard_by_group("execution.one", [sent], 1))
    assert json.loads(message["text"]) == sent


def test_what_cannot_be_encoded_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    updates = [update(1, stepUpdate={"response": float("nan")}), update(2)]
    [message] = asyncio.run(heard_by_group("execution.one", updates, 1))
    assert message["sequence"] == 2
    assert "could not be encoded" in caplog.text


def published(updates: list[Update], *, group: str | None, user: str = "") -> int:
    """Return how many messages are published for the updates, where `group` is listened to."""
    url = settings.REDIS_URL
    wire = events.Wire({"prefix": "asgi", "hosts": [f"{url}{'&' if '?' in url else '?'}{user}"]})
    with redis.Redis.from_url(url) as server, server.pubsub() as listener:
        if group is not None:
            listener.subscribe(f"asgi__group__{group}")
            assert listener.get_message(timeout=10)
        before = calls_of_publish(server)
        wire.send(updates)
        return calls_of_publish(server) - before


def calls_of_publish(server: Any) -> int:
    return int(server.info("commandstats").get("cmdstat_publish", {}).get("calls", 0))


@pytest.mark.parametrize(("group", "count"), [(None, 0), ("execution.nobodys", 0), ("execution.one", 2)])
def test_what_nobody_listens_to_is_not_published(group: str | None, count: int) -> None:
    unheard = update(3, "two", stepUpdate={"response": float("nan")})  # it is not even encoded
    assert published([update(1), unheard, update(2)], group=group) == count


def test_a_server_that_does_not_tell_who_listens_gets_everything() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.acl_setuser("live", enabled=True, nopass=True, categories=["+@all"], commands=["-pubsub"],
                           channels=["*"])  # fmt: skip
        try:
            count = published([update(1), update(2)], group=None, user="username=live&password=any")
        finally:
            server.acl_deluser("live")
    assert count == 2


@pytest.mark.django_db
def test_the_team_hears_of_executions_only(team: Team) -> None:
    execution = make_execution(team, sequence=2, variables=[{"name": "x", "value": "private"}])
    step = make_step(execution)
    updates = [step_update(execution, step, sequence=1), execution_update(execution)]
    [message] = asyncio.run(heard_by_group(f"team.{team.pk}", updates, 1))
    light = json.loads(message["text"])
    assert light["executionId"] == str(execution.pk)
    assert light["flowName"] == "Order is fulfilled"
    assert light["status"] == "IN_PROGRESS"
    assert "private" not in message["text"]


def test_an_outage_drops_counts_and_ends(settings: Settings) -> None:
    """Messages are lost while nothing listens, `put` returns at once, and later ones arrive."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        nowhere = f"redis://127.0.0.1:{reserved.getsockname()[1]}"
        layer = {**settings.CHANNEL_LAYERS["default"], "CONFIG": {"hosts": [nowhere]}}
        settings.CHANNEL_LAYERS = {"default": layer}
        publisher = events.Publisher()
        before = counted("publish_failures_total", message="update")
        began = time.monotonic()
        publisher.put([update(number) for number in range(3 * events.QUEUE_LIMIT)])
        assert time.monotonic() - began < 30  # one try to connect for each would take far longer
        assert publisher.dropped >= 2 * events.QUEUE_LIMIT
        assert not publisher.flush(0.3)
        assert publisher.dropped > 2 * events.QUEUE_LIMIT
        assert counted("publish_failures_total", message="update") >= before + 2 * events.QUEUE_LIMIT
        publisher.close()


def test_without_a_layer_nothing_is_kept(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    publisher = events.Publisher()
    publisher.put([update(1)])
    assert publisher.flush(0)


def test_a_forked_child_publishes_too() -> None:
    """A pre-forking worker: the parent's thread and connection are not there in the child."""
    events.publish([update(1, "parent")])
    assert events.flush(5)

    async def heard() -> Any:
        layer = RedisPubSubChannelLayer(**channel_layers.configs["default"]["CONFIG"])
        channel = await layer.new_channel()
        try:
            await layer.group_add("execution.child", channel)
            await asyncio.to_thread(_publish_in_a_child)
            async with asyncio.timeout(10):
                return await layer.receive(channel)
        finally:
            await layer.flush()

    assert asyncio.run(heard())["sequence"] == 7


def _publish_in_a_child() -> None:
    child = os.fork()
    if child == 0:
        events.publish([update(7, "child")])
        os._exit(0 if events.flush(5) else 1)
    assert os.waitpid(child, 0)[1] == 0
