"""Watches topics for the steps that wait for messages: one look serves all steps of a process and cluster.

A look asks each broker with one request for the end offsets of all awaited partitions. New messages are fetched and
decoded once, and matched for each step from its own position on. So a step is woken only by a message that it searches
for. A woken step takes over what was read for it. Where it wakes in another process, or too much was found to keep in
memory, it reads the same messages again: nothing is lost when a process ends.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from weakref import WeakValueDictionary

from steprunners.clients.kafka.cluster.client import KafkaClient
from steprunners.clients.kafka.cluster.errors import Unavailable
from steprunners.clients.kafka.cluster.fetching import Chunk, fetch
from steprunners.clients.kafka.cluster.offsets import END, Offsets, offsets_now
from steprunners.clients.kafka.cluster.pool import client_of
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.messages import Message
from steprunners.clients.kafka.subscribing.matching import Matcher
from steprunners.clients.kafka.subscribing.reading import Reading
from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import StepError
from steprunners.network import Call, NetworkPolicy
from steprunners.runner import Watch

#: How long one look may take, and how long it may read while more messages come, in seconds.
LOOK_SECONDS = 5.0
READ_SECONDS = 2.0
#: A pattern that takes longer for the messages of one request is left to the visits of its own step, in seconds.
SLOW_SECONDS = 0.25
#: After this many matched messages the thread pauses for this many seconds, so that running steps have their turn.
BREATH_EVERY, BREATH_SECONDS = 500, 0.0005
#: The most bytes that are handed over to one step, and the number of woken steps for which they are kept.
HANDED_BYTES = 64 * 1024
MOST_HANDED = 1_000


class KafkaWatch(Watch):
    """The watch of a step that waits on a topic, and what was read for it since it was parked."""

    def __init__(
        self,
        client: KafkaClient,
        policy: NetworkPolicy,
        topic: str,
        reading: Reading,
        matcher: Matcher,
        *,
        enough: int,
        patience_ms: int,
    ) -> None:
        """Watch for a step that has read `reading` so far, and needs `enough` messages in all."""
        self.connection: KafkaConnection = client.connection
        self._cluster = client.identity
        self.policy = policy
        self.topic = topic
        self.patience_ms = patience_ms
        self.token = uuid.uuid4().hex
        self._matcher = matcher
        self._wanted = enough - len(reading.found)
        self._rest: Reading | None = reading.rest()
        self._lock = threading.Lock()
        _watches[self.token] = self

    @property
    def source(self) -> Hashable:
        """The cluster and the network policy."""
        return self._cluster, self.policy

    def hand_over(self) -> Reading | None:
        """Return what was read, and stop reading; None where the step must read by itself."""
        with self._lock:
            rest, self._rest = self._rest, None
            return rest

    def is_ahead(self, ends: Offsets) -> bool:
        """Whether a partition ends before the read position: the topic was recreated."""
        rest = self._rest
        return rest is None or any(rest.positions.get(partition, 0) > end for partition, end in ends.items())

    def missing(self, ends: Offsets) -> Offsets:
        """Return the positions of the partitions that have new messages."""
        rest = self._rest
        if rest is None:
            return {}
        return {
            partition: position
            for partition, end in ends.items()
            if (position := rest.positions.get(partition, 0)) < end
        }

    def read(self, partition: int, messages: Sequence[Message], behind: int) -> bool:
        """Match messages of a partition, which end before the offset `behind`; return whether there is news."""
        with self._lock:
            if self._rest is None:
                return True
            has_news = self._read(self._rest, partition, messages, behind)
            if has_news and self._rest.found_bytes > HANDED_BYTES:
                self._rest = None
            return has_news

    def _read(self, rest: Reading, partition: int, messages: Sequence[Message], behind: int) -> bool:
        begin = rest.positions.setdefault(partition, 0)
        until = time.monotonic() + SLOW_SECONDS
        for message in messages:
            if message.offset < begin:
                continue
            if rest.take(message, self._matcher) and len(rest.found) >= self._wanted:
                return True
            if time.monotonic() > until:
                rest.is_slow = True
                return True
        rest.positions[partition] = max(rest.positions[partition], behind)
        return bool(rest.found)

    @classmethod
    def look(cls, watches: Sequence[KafkaWatch]) -> list[KafkaWatch]:
        """Return the watches that have news; raise StepError where the cluster does not answer."""
        client = client_of(watches[0].connection, watches[0].policy)
        call = Call(watches[0].policy, Deadline(LOOK_SECONDS), Cancellation())
        by_topic: dict[str, list[KafkaWatch]] = defaultdict(list)
        for watch in watches:
            by_topic[watch.topic].append(watch)
        # A partition without a leader has no news; its step finds that out by itself when its time is over.
        ends, _ = client.run(call, lambda: offsets_now(client, call, dict.fromkeys(by_topic, END)))
        news = [each for topic, group in by_topic.items() for each in _news(client, call, group, ends[topic])]
        _woken.extend(news)
        return news


#: The watches of this process by token, while something refers to them; `_woken` keeps the last ones that had news.
_watches: WeakValueDictionary[str, KafkaWatch] = WeakValueDictionary()
_woken: deque[KafkaWatch] = deque(maxlen=MOST_HANDED)


def taken_over(token: str | None) -> Reading | None:
    """Return what this process has read for the step with the token; None where the step must read by itself."""
    watch = _watches.get(token) if token is not None else None
    return None if watch is None else watch.hand_over()


def _news(client: KafkaClient, call: Call, watches: list[KafkaWatch], ends: Offsets) -> set[KafkaWatch]:
    """Read the new messages of one topic for all its watches; return the watches that have news."""
    news = {watch for watch in watches if watch.is_ahead(ends)}
    for watch in news:
        watch.hand_over()  # it is of no use: the step finds the new beginning of the topic
    until = time.monotonic() + READ_SECONDS
    before: Offsets = {}
    while time.monotonic() < until:
        waiting = [watch for watch in watches if watch not in news]
        lowest = _lowest(waiting, ends)
        if not lowest or lowest == before:
            break
        before = lowest
        for chunk in _fetched(client, call, watches[0].topic, lowest):
            news.update(_readers_with_news(chunk, [watch for watch in waiting if watch not in news]))
    return news


def _fetched(client: KafkaClient, call: Call, topic: str, positions: Offsets) -> list[Chunk]:
    try:
        return client.run(call, lambda: fetch(client, call, topic, positions))
    except Unavailable:
        return []


def _lowest(watches: Iterable[KafkaWatch], ends: Offsets) -> Offsets:
    lowest: Offsets = {}
    for watch in watches:
        for partition, position in watch.missing(ends).items():
            lowest[partition] = min(position, lowest.get(partition, position))
    return lowest


def _readers_with_news(chunk: Chunk, watches: list[KafkaWatch]) -> list[KafkaWatch]:
    try:
        messages, behind = list(chunk.messages()), chunk.next_offset()
    except StepError:
        for watch in watches:
            watch.hand_over()
        return watches  # each step meets the error by itself, and shows it
    found: list[KafkaWatch] = []
    matched = 0
    for watch in watches:
        if watch.read(chunk.partition, messages, behind):
            found.append(watch)
        matched += len(messages)
        if matched > BREATH_EVERY:
            matched = 0
            time.sleep(BREATH_SECONDS)
    return found
