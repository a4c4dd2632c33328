"""`kafka_subscribe`: reads a topic until the messages that are looked for are there."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from steprunners.assertions import Assertion
from steprunners.base import (
    BadConfig,
    Cancellation,
    ConnectionConfig,
    ConnectionFailed,
    Deadline,
    DeadlineExceeded,
    Finished,
    Park,
    StepConfig,
    StepContext,
    StepResult,
    StepRunner,
    Wire,
)
from steprunners.json_types import Json
from steprunners.kafka.client import KafkaClient
from steprunners.kafka.connection import KafkaConnection
from steprunners.kafka.matching import Matcher
from steprunners.kafka.messages import ValueEncoding
from steprunners.kafka.offsets import (
    BEGINNING,
    Offsets,
    commit_offsets,
    committed_offsets,
    end_offsets,
    list_offsets,
    offsets_at,
)
from steprunners.kafka.pool import client_of
from steprunners.kafka.reading import Reading, read_once
from steprunners.kafka.watching import KafkaWatch
from steprunners.network import Call, NetworkPolicy
from steprunners.patterns import PatternError, compile_jsonpath, compile_regex
from steprunners.references import Grammar

NOTES = """
**Where it begins.** `EXECUTION`: at the ends that the topic's partitions had before the execution's first step ran, so
whatever any step of the execution sends is found, wherever this step stands. `STEP`: at the ends when the attempt
begins. `EARLIEST`: at the beginning. `TIMESTAMP`: at the first message of `timestampMs` or later. `GROUP`: where
`consumerGroup` has committed (at the beginning where it has not); after success it commits how far it has read. No
start joins a group, so nobody's consumers are disturbed; a group with active members refuses the commit.

**What it looks for.** All of `key`, `headers` and `searchPattern` must hold; without any of them every message does.
`exact`: the raw value contains the pattern. `regex`: RE2 finds it in the raw value. `jsonpath`: it selects something in
the value, or in a list that holds just the value, so `$[?@.id == ${order_id}]` finds the object with that id.

**When it ends.** As soon as `minMessages` match; with `matchAll: true` it collects until `messageLimit` or the
deadline. Fewer than `minMessages` at the deadline is FAILED, with the closest messages in `nearMisses`. With
`minMessages: 0` it waits for one message, or the whole time for none: assert on `count`.

**How it waits.** It holds no worker while it waits. A topic that does not exist yet is waited for and counts from 0; it
is never made by asking. Once the broker has been reached, an outage is sat out until the deadline.

**What it shows.** A value is parsed where it is JSON, else it is text, or base64 where it is not UTF-8
(`valueEncoding`); a tombstone is null with the encoding `null`. `scanned` says which offsets were looked through (`to`
is the next one).
""".strip()

#: How long a step that nobody watches is left alone, and at most one that is watched, in ms. A watch ends with its
#: process, so this is how late a step may go on after a crash; 500 visits cost seconds, so they are spread.
POLL_MS = 400
PATIENCE_MS = 60_000
#: One sitting reads at most this long before other steps have their turn, in seconds.
SITTING_SECONDS = 2.0
#: After the deadline there is one last look, which may take so long, in seconds.
LAST_LOOK_SECONDS = 2.0
#: Pause before a broker that was lost is asked again, in ms.
OUTAGE_MS = 1_000

StartFrom = Literal["EXECUTION", "STEP", "EARLIEST", "TIMESTAMP", "GROUP"]


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


class SearchPattern(Wire):
    """What the value must hold."""

    match_type: Annotated[Literal["exact", "regex", "jsonpath"], BeforeValidator(_lower)] = Field(
        "exact", description="Whether pattern is text, an RE2 expression or a JSONPath (RFC 9535)."
    )
    pattern: str = Field(min_length=1, max_length=100_000)
    match_all: bool = Field(False, description="Collect until messageLimit or the deadline.")

    @model_validator(mode="after")
    def _check_pattern(self) -> SearchPattern:
        if "${" in self.pattern or self.match_type == "exact":
            return self
        try:
            (compile_regex if self.match_type == "regex" else compile_jsonpath)(self.pattern)
        except PatternError as problem:
            raise ValueError(str(problem)) from problem
        return self


class KafkaSubscribeConfig(StepConfig):
    """Where to read, from where on, and what to look for."""

    resource_id: str = Field(min_length=1, description="A kafka resource, by id or name.")
    topic: str = Field(min_length=1, max_length=249)
    start_from: Annotated[StartFrom, BeforeValidator(_upper)] = Field(
        "EXECUTION", description="Where to begin to read."
    )
    timestamp_ms: int | None = Field(None, ge=0, lt=2**63, description="For TIMESTAMP: ms since the epoch.")
    consumer_group: str | None = Field(None, min_length=1, max_length=249, description="For GROUP.")
    message_limit: int = Field(100, ge=1, le=10_000, description="The most messages that are collected.")
    search_pattern: SearchPattern | None = None
    key: Json = Field(None, description="The message's key must be this.")
    headers: dict[str, Json] = Field(
        default_factory=dict, description="Each of these headers must have this value."
    )
    min_messages: int = Field(1, ge=0, le=10_000, description="So many must match before the deadline.")

    @classmethod
    def grammar_of(cls, path: tuple[str | int, ...], meta: Json) -> Grammar:
        """Return the grammar of the pattern by its matchType; all else is plain."""
        if path != ("searchPattern", "pattern") or not isinstance(meta, dict):
            return Grammar.PLAIN
        search = meta.get("searchPattern")
        match_type = search.get("matchType") if isinstance(search, dict) else None
        return _GRAMMARS.get(_lower(match_type) if isinstance(match_type, str) else "", Grammar.PLAIN)

    @model_validator(mode="after")
    def _check_together(self) -> KafkaSubscribeConfig:
        if (self.start_from == "TIMESTAMP") != (self.timestamp_ms is not None):
            raise ValueError("startFrom TIMESTAMP and timestampMs need each other")
        if (self.start_from == "GROUP") != (self.consumer_group is not None):
            raise ValueError("startFrom GROUP and consumerGroup need each other")
        if self.min_messages > self.message_limit:
            raise ValueError("minMessages is larger than messageLimit")
        return self

    def matcher(self) -> Matcher:
        """Return what messages are judged by; raises BadConfig."""
        search = self.search_pattern
        pattern = (search.match_type, search.pattern) if search is not None else None
        try:
            return Matcher(pattern=pattern, key=self.key, headers=self.headers)
        except PatternError as problem:
            raise BadConfig(f"meta.searchPattern.pattern: {problem}") from problem

    @property
    def enough(self) -> int:
        """How many matching messages end the step."""
        match_all = self.search_pattern is not None and self.search_pattern.match_all
        return self.message_limit if match_all else max(1, self.min_messages)


_GRAMMARS = {"regex": Grammar.REGEX, "jsonpath": Grammar.JSONPATH}


class ReadMessage(Wire):
    """A message that matches."""

    topic: str
    partition: int
    offset: int
    timestamp: int = Field(description="In ms since the epoch.")
    key: str | None
    key_encoding: Literal["text", "base64", "null"]
    value: Json = Field(description="Parsed where it is JSON.")
    value_encoding: ValueEncoding
    headers: dict[str, Json]


class ScannedPartition(Wire):
    """Which offsets were looked through: from the first to before `to`."""

    from_: int = Field(alias="from")
    to: int


class Scanned(Wire):
    """What was looked through."""

    messages: int
    partitions: dict[str, ScannedPartition]


class NearMiss(Wire):
    """A message that nearly matches."""

    partition: int
    offset: int
    key: str | None
    value: Json = Field(description="Its beginning, where it is long.")
    reason: str


class KafkaSubscribeResult(StepResult):
    """What was found, and what was looked through for it."""

    messages: list[ReadMessage]
    count: int
    scanned: Scanned
    near_misses: list[NearMiss] = Field(description="The closest messages that do not match, and why not.")


class KafkaSubscribeRunner(StepRunner[KafkaSubscribeConfig]):
    """Reads by assignment, parks where there is nothing more, and comes back."""

    type = "kafka_subscribe"
    aliases = ("kafka_sub",)
    label = "Kafka subscribe"
    description = (
        "Waits for messages on a Kafka topic that match by key, headers, text, expression or JSONPath."
    )
    notes = NOTES
    config_class = KafkaSubscribeConfig
    result_class = KafkaSubscribeResult
    resource_type = "kafka"
    connection_class = KafkaConnection
    example: ClassVar[dict[str, Any]] = {
        "name": "event",
        "stepType": "kafka_subscribe",
        "meta": {
            "resourceId": "shop-kafka",
            "topic": "orders",
            "startFrom": "EARLIEST",
            "searchPattern": {"matchType": "jsonpath", "pattern": "$[?@.id == 42]"},
        },
        "timeoutMs": 10000,
        "extract": {"order_status": "messages[0].value.status"},
    }

    def run(self, config: KafkaSubscribeConfig, context: StepContext) -> Finished | Park:
        """Read what there is; raise StepError where the cluster cannot be reached or refuses."""
        if not isinstance(context.connection, KafkaConnection):
            raise BadConfig("meta.resourceId: a kafka resource is needed")
        sitting = Sitting(config, context, context.connection)
        if context.state is None:
            sitting.start()
        return sitting.carry_on()

    def expectations(self, config: KafkaSubscribeConfig, fields: frozenset[str]) -> list[Assertion]:
        """Return that so many messages are found; 0 leaves it to the user's assertions."""
        if config.min_messages == 0:
            return []
        return [Assertion(field="count", operator="gte", expected_value=config.min_messages)]

    def start_key(self, meta: Mapping[str, Json]) -> str | None:
        """Return the topic where the step reads from where the execution began."""
        topic, start = meta.get("topic"), meta.get("startFrom", "EXECUTION")
        return topic if isinstance(topic, str) and _upper(start) == "EXECUTION" else None

    def record_starts(
        self, keys: Sequence[str], connection: ConnectionConfig, network: NetworkPolicy, deadline: Deadline
    ) -> dict[str, Json]:
        """Return the end offsets of the topics; one that does not exist has no partitions."""
        if not isinstance(connection, KafkaConnection):
            return {}
        client = client_of(connection, network)
        call = Call(network, deadline, Cancellation())
        ends = client.run(call, lambda: end_offsets(client, call, list(keys)))
        return {topic: {str(key): value for key, value in offsets.items()} for topic, offsets in ends.items()}


class Sitting:
    """One visit of a step: it begins or goes on where the last one left off."""

    def __init__(
        self, config: KafkaSubscribeConfig, context: StepContext, connection: KafkaConnection
    ) -> None:
        """Gather what the visit needs."""
        self.config = config
        self.context = context
        self.connection = connection
        self.matcher = config.matcher()
        self.client: KafkaClient = client_of(connection, context.network)
        self.is_last = context.state is not None and context.deadline.remaining() <= 0
        deadline = Deadline(LAST_LOOK_SECONDS) if self.is_last else context.deadline
        self.call = Call(context.network, deadline, context.cancellation)
        self.reading = Reading(_now_ms(), {}) if context.state is None else Reading.from_json(context.state)

    def start(self) -> None:
        """Find out where to begin; raises StepError."""
        self.reading.positions = self._positions()

    def _positions(self) -> Offsets:
        topic, call, client = self.config.topic, self.call, self.client
        start, facts = self.config.start_from, self.context.execution
        recorded = facts.starts.get(topic)
        if start == "EXECUTION" and isinstance(recorded, dict):
            return {int(partition): int(str(offset)) for partition, offset in recorded.items()}
        if start == "STEP":
            return client.run(call, lambda: end_offsets(client, call, [topic]))[topic]
        beginnings = client.run(call, lambda: list_offsets(client, call, {topic: BEGINNING}))[topic]
        if start == "EARLIEST":
            return beginnings
        if start == "GROUP":
            group = self.config.consumer_group or ""
            return beginnings | client.run(call, lambda: committed_offsets(client, call, group, topic))
        since = (
            facts.starts_at_ms or facts.started_at_ms if start == "EXECUTION" else self.config.timestamp_ms
        )
        return client.run(call, lambda: offsets_at(client, call, topic, since or 0))

    def carry_on(self) -> Finished | Park:
        """Read what there is, and say whether that is the end."""
        try:
            enough = self._read()
        except (ConnectionFailed, DeadlineExceeded):
            if self._is_over() or not self.reading.reached:
                raise
            return self._park(OUTAGE_MS)
        if enough is None and not self.is_last and self.context.deadline.remaining() > 0:
            return self._park(POLL_MS, watched=True)
        if enough or self._is_over():
            return self._finish()
        return self._park(0)

    def _read(self) -> bool | None:
        """Read for a while; returns whether it is enough, None where there is nothing more now."""
        until = time.monotonic() + SITTING_SECONDS
        enough: bool | None = False
        while enough is False and (time.monotonic() < until):
            try:
                enough = read_once(
                    self.client, self.call, self.config.topic, self.reading, self.matcher, self.config.enough
                )
            except DeadlineExceeded:
                # The time is over while there is more to read: what was found until now counts.
                if self.reading.reached and self.context.deadline.remaining() <= 0 and not self.is_last:
                    return False
                raise
        return enough

    def _is_over(self) -> bool:
        return self.is_last or self.context.deadline.remaining() <= 0

    def _park(self, delay_ms: int, *, watched: bool = False) -> Park:
        left_ms = math.ceil(self.context.deadline.remaining() * 1000)
        watch = None
        if watched:
            seen = dict(self.reading.positions)
            spread = random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing
            patience_ms = min(round(PATIENCE_MS * spread), left_ms)
            watch = KafkaWatch(
                self.connection, self.context.network, self.config.topic, seen, self.matcher, patience_ms
            )
        return Park(min(delay_ms, left_ms), self.reading.to_json(), watch)

    def _finish(self) -> Finished:
        succeeded = len(self.reading.found) >= self.config.min_messages
        if self.config.consumer_group is not None and succeeded:
            self._commit(self.config.consumer_group)
        duration_ms = max(0, _now_ms() - self.reading.began_ms)
        return Finished({**self.reading.result(), "durationMs": duration_ms})

    def _commit(self, group: str) -> None:
        topic, positions, client = self.config.topic, self.reading.positions, self.client
        seconds = max(LAST_LOOK_SECONDS, self.context.deadline.remaining())
        call = Call(self.context.network, Deadline(seconds), self.context.cancellation)
        client.run(call, lambda: commit_offsets(client, call, group, topic, positions))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
