"""Offsets of a real broker: ends, beginnings, of a time, of a group."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kafka import KafkaConsumer

from steprunners.clients.kafka.cluster.client import KafkaClient
from steprunners.clients.kafka.cluster.offsets import (
    BEGINNING,
    commit_offsets,
    committed_offsets,
    end_offsets,
    list_offsets,
    offsets_at,
)
from steprunners.clients.kafka.cluster.pool import client_of
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import Refused
from steprunners.network import Call
from tests.steprunners.conftest import LOOPBACK

Ask = Callable[[Callable[[KafkaClient, Call], Awaitable[Any]]], Any]


@pytest.fixture
def ask(kafka_cluster: KafkaConnection) -> Ask:
    """Run a coroutine on the client's loop."""

    def run(work: Callable[[KafkaClient, Call], Awaitable[Any]]) -> Any:
        client, call = (
            client_of(kafka_cluster, LOOPBACK),
            Call(LOOPBACK, Deadline(20), Cancellation()),
        )
        return client.run(call, lambda: work(client, call))

    return run


def test_ends_and_beginnings(ask: Ask, make_topic: Callable[..., str], produce: Callable[..., None]) -> None:
    topic, empty = make_topic(2), make_topic(1)
    for _ in range(3):
        produce(topic, 1, partition=1)
    gone = f"gone-{topic}"
    assert ask(lambda client, call: end_offsets(client, call, [topic, empty, gone])) == {
        topic: {0: 0, 1: 3},
        empty: {0: 0},
        gone: {},
    }
    assert ask(lambda client, call: list_offsets(client, call, {topic: BEGINNING})) == {topic: {0: 0, 1: 0}}


def test_of_a_time(ask: Ask, make_topic: Callable[..., str], produce: Callable[..., None]) -> None:
    topic = make_topic(2)
    for at in (1_000, 2_000, 3_000):
        produce(topic, at, partition=0, timestamp_ms=at)

    def first_at(at: int) -> Any:
        return ask(lambda client, call: offsets_at(client, call, topic, at))

    for at, expected in ((0, 0), (1_500, 1), (3_000, 2), (9_000, 3)):
        assert first_at(at) == {0: expected, 1: 0}


def test_of_a_group(ask: Ask, make_topic: Callable[..., str]) -> None:
    topic = make_topic(2)
    group = f"group-of-{topic}"
    assert ask(lambda client, call: committed_offsets(client, call, group, topic)) == {}
    ask(lambda client, call: commit_offsets(client, call, group, topic, {1: 5}))
    assert ask(lambda client, call: committed_offsets(client, call, group, topic)) == {1: 5}


def test_a_group_with_members_commits_by_itself(
    ask: Ask, make_topic: Callable[..., str], kafka_cluster: KafkaConnection
) -> None:
    topic = make_topic(1)
    group = f"group-of-{topic}"
    consumer = KafkaConsumer(topic, bootstrap_servers=kafka_cluster.bootstrap_servers, group_id=group)
    try:
        until = time.monotonic() + 60
        while not consumer.assignment():
            consumer.poll(timeout_ms=2_000)  # a shorter one can end each time before the group is joined
            assert time.monotonic() < until
        with pytest.raises(Refused, match="the consumer group has active members"):
            ask(lambda client, call: commit_offsets(client, call, group, topic, {0: 0}))
    finally:
        consumer.close()
