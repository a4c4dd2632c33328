"""Offsets of partitions: their beginnings, their ends, those of a time, and those that a group has committed.

Protocol: https://kafka.apache.org/protocol (ListOffsets, FindCoordinator, OffsetFetch, OffsetCommit).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import kafka.errors as kafka_errors
from kafka.protocol.consumer import (
    IsolationLevel,
    ListOffsetsRequest,
    OffsetCommitRequest,
    OffsetFetchRequest,
)
from kafka.protocol.metadata import FindCoordinatorRequest

from steprunners.clients.kafka.cluster.client import KafkaClient
from steprunners.clients.kafka.cluster.errors import PASSING, Unavailable, translated
from steprunners.network import Call

#: Timestamps that mean the end and the beginning of a partition.
END, BEGINNING = -1, -2
#: For a commit without being a member of the group: the client assigns the partitions to itself.
NO_GENERATION, NO_MEMBER = -1, ""

Offsets = dict[int, int]


Problems = dict[str, Unavailable]


async def list_offsets(client: KafkaClient, call: Call, topics: Mapping[str, int]) -> dict[str, Offsets]:
    """Return, for each topic and partition, the offset of the first message at or after the topic's timestamp.

    The timestamp is ms since the epoch, END or BEGINNING. The offset -1 means that there is no message at or after it.
    Topics that do not exist have no partitions. It sends one request to each broker, and asks again until every
    partition has a leader that answers.

    It does not look at transactions. With READ_COMMITTED a broker would answer with the first message of an open
    transaction as the end, and who starts there would find what was sent before.
    """
    while True:
        found, problems = await offsets_now(client, call, topics)
        if not problems:
            return found
        await client.pause(call, next(iter(problems.values())))


async def offsets_now(
    client: KafkaClient, call: Call, topics: Mapping[str, int]
) -> tuple[dict[str, Offsets], Problems]:
    """Return offsets as `list_offsets` does, but ask once: `problems` has the topics without all their partitions."""
    found: dict[str, Offsets] = {topic: {} for topic in topics}
    problems: Problems = {}
    asked: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for topic in topics:
        for partition, leader in (await client.leaders(call, topic) or {}).items():
            if leader < 0:
                problems[topic] = client.without_leader(topic, partition)
            else:
                asked[leader][topic].append(partition)
    answers = await client.ask_each(
        {leader: _list_request(partitions, topics) for leader, partitions in asked.items()}
    )
    for leader, answer in answers.items():
        if isinstance(answer, Unavailable):
            problems |= dict.fromkeys(asked[leader], answer)
        else:
            problems |= _take_offsets(answer, found)
    for topic in problems:
        client.forget(topic)
    return found, problems


def _list_request(partitions: Mapping[str, list[int]], topics: Mapping[str, int]) -> ListOffsetsRequest:
    topic_class = ListOffsetsRequest.ListOffsetsTopic
    return ListOffsetsRequest(
        isolation_level=IsolationLevel.READ_UNCOMMITTED,
        topics=[
            topic_class(
                name=topic,
                partitions=[
                    topic_class.ListOffsetsPartition(
                        partition_index=partition, current_leader_epoch=-1, timestamp=topics[topic]
                    )
                    for partition in indexes
                ],
            )
            for topic, indexes in partitions.items()
        ],
        min_version=2,
    )


def _take_offsets(response: Any, found: dict[str, Offsets]) -> Problems:
    """Copy the offsets into `found`; return the topics of which a partition gave none. Raises StepError."""
    problems: Problems = {}
    for topic in response.topics:
        for each in topic.partitions:
            error = kafka_errors.for_code(each.error_code)
            if error is kafka_errors.NoError:
                found[topic.name][each.partition_index] = each.offset
            else:
                problems[topic.name] = passing(error, f"topic {topic.name}")
    return problems


def passing(error: type[Exception], where: str) -> Unavailable:
    """Return the temporary error of an answer; raise the StepError for any other."""
    if not issubclass(error, (*PASSING, kafka_errors.UnknownTopicOrPartitionError)):
        raise translated(error(), where)
    return Unavailable(translated(error(), where).message)


async def end_offsets(client: KafkaClient, call: Call, topics: list[str]) -> dict[str, Offsets]:
    """Return the end offsets of the topics' partitions; a topic that does not exist has none."""
    return await list_offsets(client, call, dict.fromkeys(topics, END))


async def ends_within(
    client: KafkaClient, call: Call, topics: list[str], seconds: float
) -> dict[str, Offsets]:
    """Return the end offsets of the topics whose partitions all have a leader that answers, at the latest by then."""
    until = time.monotonic() + seconds
    while True:
        found, problems = await offsets_now(client, call, dict.fromkeys(topics, END))
        if not problems or time.monotonic() > until:
            return {topic: offsets for topic, offsets in found.items() if topic not in problems}
        await client.pause(call, next(iter(problems.values())))


async def offsets_at(client: KafkaClient, call: Call, topic: str, timestamp_ms: int) -> Offsets:
    """Return the offsets of the first messages at or after the time; the ends where there are none."""
    # The ends come first: a message written between the two requests is found by its time, or comes after the ends.
    ends = (await end_offsets(client, call, [topic]))[topic]
    at_time = (await list_offsets(client, call, {topic: timestamp_ms}))[topic]
    return {
        partition: offset if offset >= 0 else ends.get(partition, 0) for partition, offset in at_time.items()
    }


# --- groups ---------------------------------------------------------------------------------------


async def committed_offsets(client: KafkaClient, call: Call, group: str, topic: str) -> Offsets:
    """Return the committed offsets of the group; partitions without one are left out."""
    partitions = list(await client.leaders(call, topic) or {})
    while True:
        answer = await _ask_coordinator(client, call, group, lambda: _offset_fetch(group, topic, partitions))
        answer = answer.groups[0] if answer.API_VERSION >= 8 else answer
        error = kafka_errors.for_code(answer.error_code)
        if error is kafka_errors.NoError:
            return {
                each.partition_index: each.committed_offset
                for found in answer.topics
                for each in found.partitions
                if each.committed_offset >= 0
            }
        await client.pause(call, passing(error, f"consumer group {group}"))


def _offset_fetch(group: str, topic: str, partitions: list[int]) -> OffsetFetchRequest:
    one, several = OffsetFetchRequest.OffsetFetchRequestTopic, OffsetFetchRequest.OffsetFetchRequestGroup
    return OffsetFetchRequest(
        group_id=group,
        topics=[one(name=topic, partition_indexes=partitions)],
        groups=[
            several(
                group_id=group,
                topics=[several.OffsetFetchRequestTopics(name=topic, partition_indexes=partitions)],
            )
        ],
        require_stable=False,
        min_version=2,
        max_version=8,  # later ones name topics by id
    )


async def commit_offsets(
    client: KafkaClient, call: Call, group: str, topic: str, offsets: Mapping[int, int]
) -> None:
    """Commit for the group without being a member; raise StepError where the group has active members."""
    topic_class = OffsetCommitRequest.OffsetCommitRequestTopic
    request_topic = topic_class(
        name=topic,
        partitions=[
            topic_class.OffsetCommitRequestPartition(
                partition_index=partition, committed_offset=offset, committed_leader_epoch=-1
            )
            for partition, offset in offsets.items()
        ],
    )

    def request() -> OffsetCommitRequest:
        return OffsetCommitRequest(
            group_id=group,
            generation_id_or_member_epoch=NO_GENERATION,
            member_id=NO_MEMBER,
            topics=[request_topic],
            min_version=2,
            max_version=8,
        )

    while offsets:
        answer = await _ask_coordinator(client, call, group, request)
        errors = {kafka_errors.for_code(each.error_code) for each in answer.topics[0].partitions}
        errors.discard(kafka_errors.NoError)
        if not errors:
            return
        problems = [passing(error, f"consumer group {group}") for error in errors]
        await client.pause(call, problems[0])


async def _ask_coordinator(
    client: KafkaClient, call: Call, group: str, make_request: Callable[[], Any]
) -> Any:
    """Return the answer of the group's coordinator; where that is lost, wait for another one."""
    while True:
        try:
            return await client.send(make_request(), await _coordinator(client, call, group))
        except Unavailable as problem:
            await client.pause(call, problem)


async def _coordinator(client: KafkaClient, call: Call, group: str) -> Any:
    """Return the node id of the group's coordinator; wait while the cluster chooses one."""
    while True:
        answer = await client.ask_anyone(
            lambda: FindCoordinatorRequest(key=group, key_type=0, coordinator_keys=[group], max_version=4)
        )
        found = answer.coordinators[0] if answer.coordinators else answer
        error = kafka_errors.for_code(found.error_code)
        if error is kafka_errors.NoError:
            return found.node_id
        await client.pause(call, passing(error, f"consumer group {group}"))
