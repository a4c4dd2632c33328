"""Reads the messages of assigned partitions from given offsets to the present end.

Protocol: https://kafka.apache.org/protocol (Fetch); batches are decoded by kafka-python, which checks their checksums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import kafka.errors as kafka_errors
from kafka.consumer.fetcher import Fetcher
from kafka.protocol.consumer import FetchRequest, IsolationLevel
from kafka.record import MemoryRecords
from kafka.structs import TopicPartition

from steprunners.clients.kafka.cluster.client import KafkaClient
from steprunners.clients.kafka.cluster.errors import Unavailable, translated
from steprunners.clients.kafka.cluster.offsets import (
    BEGINNING,
    END,
    offsets_now,
    passing,
)
from steprunners.clients.kafka.messages import Message
from steprunners.network import Call

#: The most bytes that one request asks for from a partition, and from a broker; a larger message comes alone.
PARTITION_BYTES = 1024 * 1024
REQUEST_BYTES = 8 * 1024 * 1024
#: Later versions name topics by id.
MAX_VERSION = 12


@dataclass(frozen=True)
class Chunk:
    """The part of a partition that one request returned: batches that are not decoded yet, from `start` on."""

    partition: int
    start: int
    end: int
    raw: Any
    aborted: Any
    topic: str
    committed_only: Any

    def messages(self) -> Iterator[Message]:
        """Yield the messages in order; raises StepError where a batch cannot be decoded."""
        records = self._records()
        try:
            for each in records.record_iterator or ():
                yield Message(
                    self.topic,
                    self.partition,
                    each.offset,
                    each.timestamp,
                    each.key,
                    each.value,
                    each.headers,
                )
        except kafka_errors.KafkaError as error:
            raise translated(error, f"topic {self.topic}") from error

    def _records(self) -> Any:
        return Fetcher.PartitionRecords(
            self.start,
            TopicPartition(self.topic, self.partition),
            MemoryRecords(self.raw or b""),
            isolation_level=self.committed_only,
            aborted_transactions=self.aborted,
        )

    def next_offset(self) -> int:
        """Return the offset after the last batch, even where the batch has no messages for readers."""
        last = self.start
        for batch in MemoryRecords(self.raw or b""):
            last = max(last, batch.next_offset if batch.magic == 2 else last)
        if last == self.start:
            for message in self.messages():  # batches before version 2 do not say where they end
                last = max(last, message.offset + 1)
        return last


async def fetch(client: KafkaClient, call: Call, topic: str, positions: Mapping[int, int]) -> list[Chunk]:
    """Return the messages from the positions on, one chunk for each partition that has more.

    It sends one request to each broker. An offset that the partition does not have (any more) is replaced by the first
    offset that it has. Raises Unavailable where a partition could not be read, and no other has more.
    """
    leaders = await client.leaders(call, topic) or {}
    asked: dict[int, dict[int, int]] = defaultdict(dict)
    problem: Unavailable | None = None
    for partition, offset in positions.items():
        leader = leaders.get(partition)
        if leader is not None and leader < 0:
            problem = client.without_leader(topic, partition)
        elif leader is not None:
            asked[leader][partition] = offset
    chunks: list[Chunk] = []
    answers = await client.ask_each(
        {leader: _request(client, topic, offsets) for leader, offsets in asked.items()}
    )
    for leader, answer in answers.items():
        try:
            chunks += await _chunks(client, call, topic, asked[leader], answer)
        except Unavailable as why:
            client.forget(topic)
            problem = why
    if problem is not None and not chunks:
        raise problem
    return chunks


async def _chunks(
    client: KafkaClient, call: Call, topic: str, offsets: Mapping[int, int], answer: Any
) -> list[Chunk]:
    """Return what a broker answers. Raises Unavailable where it gives no partition."""
    if isinstance(answer, Unavailable):
        raise answer
    error = kafka_errors.for_code(answer.error_code or 0)
    if error is not kafka_errors.NoError:
        raise passing(error, f"topic {topic}")
    chunks, problem = [], None
    for found in answer.responses:
        for each in found.partitions:
            try:
                chunk = await _chunk(client, call, topic, offsets, each)
            except Unavailable as why:
                client.forget(topic)
                problem = why
                continue
            if chunk is not None:
                chunks.append(chunk)
    if problem is not None and not chunks:
        raise problem
    return chunks


def _request(client: KafkaClient, topic: str, offsets: Mapping[int, int]) -> FetchRequest:
    topic_class = FetchRequest.FetchTopic
    return FetchRequest(
        max_wait_ms=1,  # 0 has Tansu, the broker of `make run`, answer nothing at all; Kafka itself
        min_bytes=0,  # does not wait where no bytes are enough
        max_bytes=REQUEST_BYTES,
        isolation_level=_isolation_level(client),
        session_id=0,
        session_epoch=-1,
        topics=[
            topic_class(
                topic=topic,
                partitions=[
                    topic_class.FetchPartition(
                        partition=partition,
                        current_leader_epoch=-1,
                        fetch_offset=offset,
                        last_fetched_epoch=-1,
                        partition_max_bytes=PARTITION_BYTES,
                    )
                    for partition, offset in offsets.items()
                ],
            )
        ],
        forgotten_topics_data=[],
        rack_id="",
        min_version=4,
        max_version=MAX_VERSION,
    )


def _isolation_level(client: KafkaClient) -> IsolationLevel:
    """Return the isolation level that the resource asks for."""
    level: IsolationLevel = IsolationLevel[client.connection.options.isolation_level]
    return level


async def _chunk(
    client: KafkaClient, call: Call, topic: str, offsets: Mapping[int, int], answer: Any
) -> Chunk | None:
    partition = answer.partition_index
    error = kafka_errors.for_code(answer.error_code)
    if error is kafka_errors.OffsetOutOfRangeError:
        return await _moved(client, call, topic, partition, offsets[partition])
    if error is kafka_errors.UnknownTopicOrPartitionError:  # it was deleted, and may be made anew
        client.forget(topic)
        return None
    if error is not kafka_errors.NoError:
        raise passing(error, f"topic {topic}")
    if not answer.records:
        return None
    return Chunk(
        partition,
        offsets[partition],
        answer.high_watermark,
        bytes(answer.records),
        answer.aborted_transactions,
        topic,
        _isolation_level(client),
    )


async def _moved(client: KafkaClient, call: Call, topic: str, partition: int, offset: int) -> Chunk | None:
    """Return an empty chunk that starts at the first existing offset: messages expired, or the topic was recreated."""
    begins, _ = await offsets_now(client, call, {topic: BEGINNING})
    ends, _ = await offsets_now(client, call, {topic: END})
    first, end = begins[topic].get(partition), ends[topic].get(partition)
    if first is None or end is None:
        raise client.without_leader(topic, partition)
    if first <= offset <= end:
        return None  # only this broker did not have it yet
    return Chunk(partition, first, end, None, None, topic, _isolation_level(client))
