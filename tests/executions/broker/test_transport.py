"""The broker's channels keep their client, and messages go through them as before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import pytest
from django.conf import settings
from kombu import Connection

from asynctester.celery import app
from executions.broker.transport import Channel, Transport

QUEUE = "test_broker"
OPTIONS = settings.CELERY_BROKER_TRANSPORT_OPTIONS


def open_channel(connection: Connection) -> Channel:
    return cast("Channel", connection.channel())


def test_the_application_uses_it() -> None:
    with app.connection_for_write() as connection:
        assert isinstance(connection.transport, Transport)


def test_a_channel_keeps_its_client() -> None:
    with Connection(settings.CELERY_BROKER_URL) as connection:
        channel = open_channel(connection)
        assert isinstance(channel, Channel)
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second


def test_two_channels_have_a_client_each() -> None:
    with Connection(settings.CELERY_BROKER_URL) as connection:
        assert open_channel(connection)._create_client() is not open_channel(connection)._create_client()


def test_a_channel_whose_pool_was_replaced_takes_a_new_client() -> None:
    with Connection(settings.CELERY_BROKER_URL) as connection:
        channel = open_channel(connection)
        before = channel._create_client()
        channel.__dict__["_pool"] = None  # what a lost connection leaves
        assert channel._create_client().connection_pool is channel.pool
        assert channel._create_client() is not before


def test_messages_are_delivered_and_acknowledged() -> None:
    with Connection(settings.CELERY_BROKER_URL) as connection:
        queue = connection.SimpleQueue(QUEUE)
        for number in range(3):
            queue.put({"number": number})
        received = [queue.get(timeout=20) for _ in range(3)]
        assert [message.payload["number"] for message in received] == [0, 1, 2]
        for message in received:
            message.ack()
        with pytest.raises(queue.Empty):
            queue.get(block=False)
        queue.close()


def test_lanes_are_served_in_turn() -> None:
    with Connection(settings.CELERY_BROKER_URL, transport_options=OPTIONS) as connection:
        queue = connection.SimpleQueue(QUEUE)
        for lane in (7, 7, 7, 7, 2, 31, 2):
            queue.put({"lane": lane}, priority=lane)
        assert open_channel(connection).lane_size(QUEUE, 7) == 4
        received = [queue.get(timeout=20) for _ in range(7)]
        for message in received:
            message.ack()
        assert [message.payload["lane"] for message in received] == [2, 7, 31, 2, 7, 7, 7]
        queue.close()


def test_a_strangers_priority_is_the_first_lane() -> None:
    with Connection(settings.CELERY_BROKER_URL, transport_options=OPTIONS) as connection:
        queue = connection.SimpleQueue(QUEUE)
        for priority in (None, 99, 10**9):
            queue.put({}, priority=priority)
        assert open_channel(connection).lane_size(QUEUE, 0) == 3
        for _ in range(3):
            queue.get(timeout=20).ack()
        queue.close()


def test_a_lane_with_a_long_line_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.broker.transport.turns.full", lambda: {2})
    with Connection(settings.CELERY_BROKER_URL, transport_options=OPTIONS) as connection:
        queue = connection.SimpleQueue(QUEUE)
        for lane in (2, 7):
            queue.put({"lane": lane}, priority=lane)
        assert [queue.get(timeout=20).payload["lane"]] == [7]
        with pytest.raises(queue.Empty):
            queue.get(timeout=0.1)
        monkeypatch.setattr("executions.broker.transport.turns.full", set)
        assert queue.get(timeout=10).payload["lane"] == 2
        queue.clear()
        queue.close()


def test_what_is_held_is_written_nowhere_and_goes_back_at_a_good_end() -> None:
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with Connection(settings.CELERY_BROKER_URL, transport_options=options) as connection:
        queue = connection.SimpleQueue(QUEUE)
        queue.put({"number": 7})
        queue.get(timeout=20)
        with open_channel(connection).conn_or_acquire() as client:
            assert client.exists("unacked", "unacked_index") == 0
    with Connection(settings.CELERY_BROKER_URL, transport_options=options) as connection:
        queue = connection.SimpleQueue(QUEUE)
        again = queue.get(timeout=20)
        assert again.payload == {"number": 7}
        again.ack()
        queue.close()


class Loop:
    """Stands for the event loop, and notes how often it is woken."""

    woken = 0

    def call_soon(self, callback: object) -> None:
        assert callable(callback)
        self.woken += 1


def test_only_a_loop_that_reads_nothing_more_is_woken() -> None:
    with Connection(settings.CELERY_BROKER_URL, transport_options=OPTIONS) as connection:
        queue = connection.SimpleQueue(QUEUE)
        queue.clear()
        for number in range(3):
            queue.put({"number": number})
        channel = cast("Channel", queue.channel)
        loop = channel.connection._loop = Loop()
        received = [queue.get(timeout=20) for _ in range(3)]
        channel.basic_qos(0, 4, False)
        assert channel.qos.can_consume()
        channel.acknowledge(received[0])
        assert loop.woken == 0
        channel.basic_qos(0, 2, False)
        assert not channel.qos.can_consume()
        channel.acknowledge(received[1])
        assert loop.woken == 1
        assert channel.qos.can_consume()
        channel.acknowledge(received[2])
        assert loop.woken == 1
        queue.close()


def test_a_loop_that_looks_again_during_an_acknowledgement_is_woken_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At its first look it stopped reading, and a second look alone does not make it read again."""
    with Connection(settings.CELERY_BROKER_URL, transport_options=OPTIONS) as connection:
        queue = connection.SimpleQueue(QUEUE)
        queue.clear()
        queue.put({})
        channel = cast("Channel", queue.channel)
        loop = channel.connection._loop = Loop()
        message = queue.get(timeout=20)
        channel.basic_qos(0, 1, False)
        assert not channel.qos.can_consume()
        acknowledge = message.ack

        def ack() -> None:
            acknowledge()
            assert channel.qos.can_consume()

        monkeypatch.setattr(message, "ack", ack)
        channel.acknowledge(message)
        assert loop.woken == 1
        queue.close()


def test_a_channel_that_writes_acknowledgements_to_redis_leaves_them_to_celery() -> None:
    options = {**OPTIONS, "ack_emulation": True}
    with Connection(settings.CELERY_BROKER_URL, transport_options=options) as connection:
        assert not open_channel(connection).acknowledged_by_any


def test_a_date_in_an_envelope_is_read_as_kombu_does() -> None:
    when = datetime(2026, 11, 22, tzinfo=UTC)
    with Connection(settings.CELERY_BROKER_URL, transport_options=OPTIONS) as connection:
        queue = connection.SimpleQueue(QUEUE)
        queue.clear()
        queue.put({}, headers={"when": when})
        message = queue.get(timeout=20)
        assert message.headers["when"] == when
        message.ack()
        queue.close()
