"""`kafka_subscribe`: reads a topic until the messages that are looked for are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from steprunners.assertions.evaluation import Assertion
from steprunners.clients.kafka.checking import check_cluster
from steprunners.clients.kafka.cluster.offsets import end_offsets
from steprunners.clients.kafka.cluster.pool import client_of
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.messages import ValueEncoding
from steprunners.clients.kafka.subscribing.reading import to_wire
from steprunners.clients.kafka.subscribing.subscription import KafkaSubscribeConfig
from steprunners.clients.kafka.subscribing.visit import Sitting
from steprunners.clients.quotas import within
from steprunners.config import StepResult, Wire, upper
from steprunners.deadline import Cancellation, Deadline
from steprunners.json_types import Json
from steprunners.network import Call, NetworkPolicy
from steprunners.runner import Finished, Park, StepContext, StepRunner

NOTES = """
**Where it begins.** `EXECUTION`: at the ends that the topic's partitions had before the execution's first step ran, so
whatever any step of the execution sends is found, wherever this step stands. `STEP`: at the ends when the step begins,
and there again in each of its attempts; where it runs in the background, the steps after it wait until these are known.
`EARLIEST`: at the beginning. `TIMESTAMP`: at the first message of `timestampMs` or later. `GROUP`: where
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


class KafkaSubscribeRunner(StepRunner[KafkaSubscribeConfig, KafkaConnection]):
    """Reads by assignment, parks where there is nothing more, and comes back."""

    type = "kafka_subscribe"
    aliases = ("kafka_sub",)
    label = "Kafka subscribe"
    description = (
        "Waits for messages on a Kafka topic that match by key, headers, text, expression or JSONPath."
    )
    notes = NOTES
    result_class = KafkaSubscribeResult
    resource_type = "kafka"
    envelope_keys: ClassVar[Mapping[str, str]] = {"timeoutMs": "timeoutMs"}
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

    def check(self, connection: KafkaConnection, network: NetworkPolicy, deadline: Deadline) -> str:
        """Connect, sign in and ask which brokers there are. Raises StepError."""
        return check_cluster(connection, network, deadline)

    def run(self, config: KafkaSubscribeConfig, context: StepContext[KafkaConnection]) -> Finished | Park:
        """Read what there is; raise StepError where the cluster cannot be reached or refuses."""
        config = within(config, "message_limit", context.network.max_messages)
        sitting = Sitting(config, context, context.resource)
        if context.state is None:
            sitting.start()
        return sitting.carry_on()

    def expectations(self, config: KafkaSubscribeConfig, _fields: frozenset[str]) -> list[Assertion]:
        """Return that so many messages are found; 0 leaves it to the user's assertions."""
        if config.min_messages == 0:
            return []
        return [Assertion(field="count", operator="gte", expected_value=config.min_messages)]

    def start_key(self, meta: Mapping[str, Json]) -> str | None:
        """Return the topic where the step reads from where the execution began."""
        topic, start = meta.get("topic"), meta.get("startFrom", "EXECUTION")
        return topic if isinstance(topic, str) and upper(start) == "EXECUTION" else None

    def has_origin(self, meta: Mapping[str, Json]) -> bool:
        """Return whether it is the step's own start that counts; a reference may say so."""
        start = meta.get("startFrom")
        return isinstance(start, str) and (upper(start) == "STEP" or "${" in start)

    def record_starts(
        self, keys: Sequence[str], connection: KafkaConnection, network: NetworkPolicy, deadline: Deadline
    ) -> dict[str, Json]:
        """Return the end offsets of the topics; one that does not exist has no partitions."""
        client = client_of(connection, network)
        call = Call(network, deadline, Cancellation())
        ends = client.run(call, lambda: end_offsets(client, call, list(keys)))
        return {topic: to_wire(offsets) for topic, offsets in ends.items()}
