"""The broker's channels keep their client, and messages go through them as before."""

from __future__ import annotations

from typing import cast

import pytest
from django.conf import settings
from kombu import Connection

from asynctester.broker import Channel, Transport
from asynctester.celery import app

QUEUE = "test_broker"


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
        vars(channel)["_pool"] = None  # what a lost connection leaves
        assert channel._create_client().connection_pool is channel.pool
        assert channel._create_client() is not before


def test_messages_are_delivered_and_acknowledged() -> None:
    with Connection(settings.CELERY_BROKER_URL) as connection:
        queue = connection.SimpleQueue(QUEUE)
        for number in range(3):
            queue.put({"number": number})
        received = [queue.get(timeout=5) for _ in range(3)]
        assert [message.payload["number"] for message in received] == [0, 1, 2]
        for message in received:
            message.ack()
        with pytest.raises(queue.Empty):
            queue.get(block=False)
        queue.close()
