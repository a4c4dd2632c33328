"""Writes messages with acks=all: sends no message twice, and returns the offset of each.

Protocol: https://kafka.apache.org/protocol (Produce, record batches of version 2). A batch whose answer is lost is not
sent again. It is unknown then whether it was written, and only the step's own retry policy may write it twice.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import kafka.errors as kafka_errors
from kafka.partitioner.default import murmur2
from kafka.protocol.producer import ProduceRequest
from kafka.record.memory_records import MemoryRecordsBuilder

from steprunners.clients.kafka.cluster.client import KafkaClient, Leaders
from steprunners.clients.kafka.cluster.errors import Unavailable, translated
from steprunners.clients.kafka.cluster.offsets import passing
from steprunners.clients.kafka.messages import Header
from steprunners.errors import ConnectionFailed, Refused, StepError
from steprunners.network import Call

#: The most bytes of a batch; a larger message has a batch of its own.
BATCH_BYTES = 512 * 1024
#: How long the creation of a topic by its first message may take, in seconds.
CREATION_SECONDS = 5.0
ALL_REPLICAS = -1
#: The highest version that is used; 13 and later name topics by id.
MAX_VERSION = 9


@dataclass(frozen=True)
class Outgoing:
    """A message to write. Without `partition` its key chooses one; without a key the choice is random."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]
    partition: int | None
    timestamp_ms: int | None


@dataclass(frozen=True)
class Written:
    """The position of a written message, and its timestamp."""

    partition: int
    offset: int
    timestamp_ms: int


async def publish(client: KafkaClient, call: Call, topic: str, messages: Sequence[Outgoing]) -> list[Written]:
    """Write the messages, those of a partition in order; return the position of each. Raises StepError."""
    leaders = await _leaders(client, call, topic)
    is_keyless = any(each.partition is None and each.key is None for each in messages)
    keyless = await _any_partition(client, leaders) if is_keyless else 0
    places = _places(topic, messages, leaders, keyless)
    written: dict[int, Written] = {}
    for partition, indexes in places.items():
        for batch in _batches(messages, indexes):
            try:
                base, appended_ms = await _write(client, call, topic, partition, batch)
            except StepError as error:
                done = (
                    f"{len(written)} of {len(messages)} messages were acknowledged before: "
                    if written
                    else ""
                )
                raise type(error)(done + error.message, code=error.code) from error
            for place, (index, timestamp_ms, _) in enumerate(batch):
                time_ms = appended_ms if appended_ms >= 0 else timestamp_ms
                written[index] = Written(partition, base + place, time_ms)
    return [written[index] for index in range(len(messages))]


async def _leaders(client: KafkaClient, call: Call, topic: str) -> Leaders:
    """Return the leaders of the topic; the brokers may create it now, as for any producer."""
    until = time.monotonic() + CREATION_SECONDS
    while True:
        leaders = await client.leaders(call, topic, create=True)
        if leaders:
            return leaders
        if time.monotonic() > until:
            raise Refused(
                f"topic {topic}: there is no such topic, and the brokers do not create it by themselves"
            )
        await client.pause(call)


async def _any_partition(client: KafkaClient, leaders: Leaders) -> int:
    """Return a random partition whose leader can be reached; one partition keeps a step's messages in order."""
    partitions = random.sample(sorted(leaders), len(leaders))  # spreads load; no security depends on it
    for partition in partitions:
        if leaders[partition] < 0:
            continue
        try:
            await client.reach(leaders[partition])
        except Unavailable:
            continue
        return partition
    return partitions[0]


def _places(topic: str, messages: Sequence[Outgoing], leaders: Leaders, keyless: int) -> dict[int, list[int]]:
    """Return the indexes of the messages for each partition, which is chosen as Java's producer does."""
    partitions = sorted(leaders)
    places: dict[int, list[int]] = defaultdict(list)
    for index, message in enumerate(messages):
        partition = message.partition
        if partition is None and message.key is not None:
            partition = partitions[(murmur2(message.key) & 0x7FFFFFFF) % len(partitions)]
        if partition is None:
            partition = keyless
        if partition not in leaders:
            raise Refused(
                f"topic {topic} has no partition {partition}: it has {len(partitions)}, numbered from 0"
            )
        places[partition].append(index)
    return places


Entry = tuple[int, int, Outgoing]


def _batches(messages: Sequence[Outgoing], indexes: Sequence[int]) -> list[list[Entry]]:
    """Return the messages in batches of at most BATCH_BYTES, each with its index and timestamp."""
    batches: list[list[Entry]] = []
    size = BATCH_BYTES
    now_ms = time.time_ns() // 1_000_000
    for index in indexes:
        message = messages[index]
        length = len(message.value or b"") + len(message.key or b"") + 100
        if size + length > BATCH_BYTES:
            batches.append([])
            size = 0
        timestamp_ms = now_ms if message.timestamp_ms is None else message.timestamp_ms
        batches[-1].append((index, timestamp_ms, message))
        size += length
    return batches


async def _write(
    client: KafkaClient, call: Call, topic: str, partition: int, batch: Sequence[Entry]
) -> tuple[int, int]:
    """Write one batch; return its first offset, and the timestamp of the broker (-1: it kept ours)."""
    while True:
        call.check()
        try:
            leader = await _leader(client, call, topic, partition)
        except Unavailable as unreached:  # nothing was sent: the next leader may be asked
            client.forget(topic)
            await client.pause(call, unreached)
            continue
        answer = await _send(client, _request(call, topic, partition, batch), leader, topic)
        error = kafka_errors.for_code(answer.error_code)
        if error is kafka_errors.NoError:
            return answer.base_offset, answer.log_append_time_ms
        if error is kafka_errors.RequestTimedOutError:
            raise _unknown(error(), topic)
        # Temporary errors come before anything is written, so the same batch may be sent again.
        problem = passing(error, f"topic {topic}")
        client.forget(topic)
        await client.pause(call, problem)


async def _leader(client: KafkaClient, call: Call, topic: str, partition: int) -> int:
    """Return the partition's leader, which there is a connection to. Raises Unavailable where it cannot be reached."""
    leader = (await _leaders(client, call, topic)).get(partition, -1)
    if leader < 0:
        raise client.without_leader(topic, partition)
    await client.reach(leader)
    return leader


async def _send(client: KafkaClient, request: Any, leader: int, topic: str) -> Any:
    try:
        response = await client.send(request, leader)
    except (Unavailable, kafka_errors.KafkaError) as problem:
        raise _unknown(problem, topic) from problem
    return response.responses[0].partition_responses[0]


def _unknown(problem: Exception, topic: str) -> StepError:
    lost = translated(problem, f"topic {topic}")
    message = f"{lost.message} (it is unknown whether the message was written)"
    kind = ConnectionFailed if isinstance(lost, Unavailable) else type(lost)
    return kind(message, code=lost.code)


def _request(call: Call, topic: str, partition: int, batch: Sequence[Entry]) -> Any:
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1 << 30)
    for _, timestamp_ms, message in batch:
        builder.append(timestamp_ms, message.key, message.value, list(message.headers))
    builder.close()
    topic_class = ProduceRequest.TopicProduceData
    return ProduceRequest(
        transactional_id=None,
        acks=ALL_REPLICAS,
        timeout_ms=max(1, min(15_000, round(call.deadline.remaining() * 1000))),
        topic_data=[
            topic_class(
                name=topic,
                partition_data=[topic_class.PartitionProduceData(index=partition, records=builder.buffer())],
            )
        ],
        min_version=3,
        max_version=MAX_VERSION,
    )
