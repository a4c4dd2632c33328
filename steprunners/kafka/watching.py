"""Watching topics for the steps that wait for messages: one look a tick for all steps of a process and cluster.

A look asks for the end offsets of all awaited partitions in one request a broker. What has come since is read once and
shown to each step's own predicates, so a step is woken for a message that it looks for and not for its neighbour's.
The woken step reads again from its own positions: nothing rests on what was seen here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from steprunners.base import Cancellation, Deadline, StepError, Watch
from steprunners.kafka.client import KafkaClient
from steprunners.kafka.connection import KafkaConnection
from steprunners.kafka.fetching import Chunk, fetch
from steprunners.kafka.matching import Matcher
from steprunners.kafka.offsets import Offsets, end_offsets
from steprunners.kafka.pool import client_of
from steprunners.network import Call, NetworkPolicy

#: How long one look may take, in seconds.
LOOK_SECONDS = 5.0


@dataclass(eq=False)
class KafkaWatch(Watch):
    """A step that waits on a topic; `seen` is how far its partitions were looked through."""

    connection: KafkaConnection
    policy: NetworkPolicy
    topic: str
    seen: Offsets
    matcher: Matcher
    patience_ms: int
    key: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the cluster."""
        self.key = self.connection.model_dump_json()

    @property
    def source(self) -> Hashable:
        """The cluster, and what may be reached of it."""
        return self.key, self.policy

    @classmethod
    def look(cls, watches: Sequence[KafkaWatch]) -> list[KafkaWatch]:
        """Return the watches whose steps find something; raises StepError where the cluster does not answer."""
        client = client_of(watches[0].connection, watches[0].policy)
        call = Call(watches[0].policy, Deadline(LOOK_SECONDS), Cancellation())
        by_topic: dict[str, list[KafkaWatch]] = defaultdict(list)
        for watch in watches:
            by_topic[watch.topic].append(watch)
        ends = client.run(call, lambda: end_offsets(client, call, list(by_topic)))
        return [each for topic, group in by_topic.items() for each in _news(client, call, group, ends[topic])]


def _news(client: KafkaClient, call: Call, watches: list[KafkaWatch], ends: Offsets) -> list[KafkaWatch]:
    """Return those of one topic's watches that have news."""
    # Behind its end a partition has been made anew: its step finds out where it begins.
    news = {
        id(watch): watch for watch in watches if any(watch.seen.get(p, 0) > end for p, end in ends.items())
    }
    grown = [
        watch
        for watch in watches
        if id(watch) not in news and any(watch.seen.get(p, 0) < end for p, end in ends.items())
    ]
    if not grown:
        return list(news.values())
    positions = {
        partition: low
        for partition, end in ends.items()
        if (low := min(watch.seen.get(partition, 0) for watch in grown)) < end
    }
    for chunk in client.run(call, lambda: fetch(client, call, watches[0].topic, positions)):
        news.update({id(watch): watch for watch in _who_matches(chunk, grown)})
    return list(news.values())


def _who_matches(chunk: Chunk, watches: list[KafkaWatch]) -> list[KafkaWatch]:
    partition = chunk.partition
    waiting = list(watches)
    found: list[KafkaWatch] = []
    try:
        for message in chunk.messages():
            hits = [
                watch
                for watch in waiting
                if message.offset >= watch.seen.get(partition, 0) and watch.matcher.matches(message)
            ]
            if hits:
                found += hits
                waiting = [watch for watch in waiting if watch not in hits]
        behind = chunk.next_offset()
    except StepError:
        return watches  # each step meets it by itself, and says so
    for watch in waiting:
        watch.seen[partition] = max(watch.seen.get(partition, 0), behind)
    return found
