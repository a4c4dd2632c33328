"""Fetching from a real broker: chunks from positions on, and positions that the partition does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steprunners.clients.kafka.cluster.fetching import Chunk, fetch
from steprunners.clients.kafka.cluster.pool import client_of
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.deadline import Cancellation, Deadline
from steprunners.network import Call
from tests.steprunners.conftest import LOOPBACK

Fetch = Callable[[str, dict[int, int]], list[Chunk]]


@pytest.fixture
def fetched(kafka_cluster: KafkaConnection) -> Fetch:
    def run(topic: str, positions: dict[int, int]) -> list[Chunk]:
        client = client_of(kafka_cluster, LOOPBACK)
        call = Call(LOOPBACK, Deadline(20), Cancellation())
        return client.run(call, lambda: fetch(client, call, topic, positions))

    return run


def read(chunks: list[Chunk]) -> dict[int, list[Any]]:
    return {chunk.partition: [each.decoded[0] for each in chunk.messages()] for chunk in chunks}


def test_from_the_positions_on(
    fetched: Fetch, make_topic: Callable[..., str], produce: Callable[..., None]
) -> None:
    topic = make_topic(3)
    for number in range(3):
        produce(topic, number, partition=0)
    produce(topic, "one", partition=1)
    chunks = fetched(topic, {0: 1, 1: 0, 2: 0})
    assert read(chunks) == {0: [1, 2], 1: ["one"]}
    assert {chunk.partition: chunk.next_offset() for chunk in chunks} == {0: 3, 1: 1}
    assert fetched(topic, {0: 3, 1: 1, 2: 0}) == []


def test_an_offset_that_is_not_there_leads_to_the_first_that_is(
    fetched: Fetch, make_topic: Callable[..., str], produce: Callable[..., None]
) -> None:
    topic = make_topic(1)
    produce(topic, "made anew")
    (chunk,) = fetched(topic, {0: 99})
    assert (chunk.start, chunk.next_offset(), list(chunk.messages())) == (0, 0, [])


def test_what_does_not_exist_brings_nothing(fetched: Fetch, make_topic: Callable[..., str]) -> None:
    assert fetched(f"gone-{make_topic(1)}", {0: 0}) == []
    assert fetched(make_topic(1), {7: 0}) == []
