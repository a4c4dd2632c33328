"""`kafka_subscribe`: reads a topic until it has found the wanted messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from steprunners.assertions.evaluation import Assertion
from steprunners.clients.kafka.checking import check_cluster
from steprunners.clients.kafka.cluster.offsets import ends_within
from steprunners.clients.kafka.cluster.pool import client_of
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.messages import KeyEncoding, ValueEncoding
from steprunners.clients.kafka.subscribing.reading import to_wire
from steprunners.clients.kafka.subscribing.subscription import KafkaSubscribeConfig
from steprunners.clients.kafka.subscribing.visit import Visit
from steprunners.clients.quotas import within
from steprunners.config import StepResult, Wire, upper
from steprunners.deadline import Cancellation, Deadline
from steprunners.json_types import Json
from steprunners.network import Call, NetworkPolicy
from steprunners.runner import Finished, Park, StepContext, StepRunner

#: How long the start of an execution waits for partitions that have no leader at the moment, in seconds.
LEADER_SECONDS = 2.0

NOTES = """
**Where it starts.** `EXECUTION`: at the ends that the topic's partitions had before the first step of the execution
ran. So it finds the messages of every step of the execution, wherever this step is in the flow. `STEP`: at the ends
when the step starts; all its attempts start there. If it runs in the background, the steps after it wait until these
ends are known. `EARLIEST`: at the beginning. `TIMESTAMP`: at the first message of `timestampMs` or later. `GROUP`:
where `consumerGroup` has committed, or at the beginning if it has not. After success it commits how far it has read. It
never joins a group, so it does not disturb other consumers. A group with active members refuses the commit.

**What it searches for.** All of `key`, `headers` and `searchPattern` must match; without any of them every message
matches. `exact`: the raw value contains the pattern. `regex`: RE2 finds the pattern in the raw value. `jsonpath`: the
pattern selects something in the value, or in a list with only the value, so `$[?@.id == ${order_id}]` finds the object
with that id. `{"base64": "…"}` as key, header or `exact` pattern means those bytes. A list as header means that the
message has the header with each of these values.

**Transactions.** With `isolationLevel: READ_COMMITTED` at the resource, messages count once their transaction is
committed. Of a transaction that was open at the start, the messages before the start are not found.

**When it ends.** As soon as `minMessages` match. With `matchAll: true` it collects until `messageLimit` or the
deadline. With fewer than `minMessages` at the deadline it is FAILED, and `nearMisses` has the closest messages. With
`minMessages: 0` it waits for one message, or until the deadline if none comes: assert on `count`.

**How it waits.** It needs no worker while it waits. It also waits for a topic that does not exist yet, which then
counts from 0; it never creates a topic. Once it has reached a broker, it waits through outages until the deadline. If
the leader of a partition is lost, it asks the other brokers for the new one. If there is none at the deadline, it is an
ERROR unless it has found enough before, because nobody knows what that partition has.

**What it shows.** The messages of a partition are in the order of their offsets, and partitions are joined by
timestamps. A value is parsed if it is JSON. Otherwise it is text, or base64 if it is not text: not UTF-8, or with NUL
(`valueEncoding`; `keyEncoding` for the key). Beside a parsed value, `valueText` is the text as it came. Such a header
is `{"base64": "…"}`, and a repeated header is a list. A tombstone is null with the encoding `null`. `scanned` says
which offsets were read (`to` is the next one).
""".strip()


class ReadMessage(Wire):
    """A message that matches."""

    topic: str
    partition: int
    offset: int
    timestamp: int = Field(description="In ms since the epoch.")
    key: str | None
    key_encoding: KeyEncoding
    value: Json = Field(description="Parsed if it is JSON.")
    value_text: str | None = Field(
        None, description="The text as it came, beside a parsed value; a value that is text has none."
    )
    value_encoding: ValueEncoding
    headers: dict[str, Json]


class ScannedPartition(Wire):
    """The offsets that were read: from the first up to, but not including, `to`."""

    from_: int = Field(alias="from")
    to: int


class Scanned(Wire):
    """What was read."""

    messages: int
    partitions: dict[str, ScannedPartition]


class NearMiss(Wire):
    """A message that nearly matches."""

    partition: int
    offset: int
    key: str | None
    key_encoding: KeyEncoding
    value: Json = Field(description="Only the beginning of a long value.")
    value_encoding: ValueEncoding
    reason: str


class KafkaSubscribeResult(StepResult):
    """The messages that were found, and what was read for them."""

    messages: list[ReadMessage]
    count: int
    scanned: Scanned
    near_misses: list[NearMiss] = Field(
        description="The closest messages that do not match, with the reasons."
    )


class KafkaSubscribeRunner(StepRunner[KafkaSubscribeConfig, KafkaConnection]):
    """Reads by assignment, parks when there is nothing more to read, and continues later."""

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
        """Connect, log in and ask for the brokers. Raises StepError."""
        return check_cluster(connection, network, deadline)

    def run(self, config: KafkaSubscribeConfig, context: StepContext[KafkaConnection]) -> Finished | Park:
        """Read the messages that are there; raise StepError where the cluster cannot be reached or refuses."""
        config = within(config, "message_limit", context.network.max_messages)
        visit = Visit(config, context, context.resource)
        if context.state is None:
            visit.start()
        return visit.carry_on()

    def expectations(self, config: KafkaSubscribeConfig, _fields: frozenset[str]) -> list[Assertion]:
        """Return the assertion that `minMessages` are found; 0 leaves that to the user's assertions."""
        if config.min_messages == 0:
            return []
        return [Assertion(field="count", operator="gte", expected_value=config.min_messages)]

    def start_key(self, meta: Mapping[str, Json]) -> str | None:
        """Return the topic if the step reads from the start of the execution."""
        topic, start = meta.get("topic"), meta.get("startFrom", "EXECUTION")
        return topic if isinstance(topic, str) and upper(start) == "EXECUTION" else None

    def has_origin(self, meta: Mapping[str, Json]) -> bool:
        """Return whether the step reads from its own start; a reference may resolve to that."""
        start = meta.get("startFrom")
        return isinstance(start, str) and (upper(start) == "STEP" or "${" in start)

    def record_starts(
        self, keys: Sequence[str], connection: KafkaConnection, network: NetworkPolicy, deadline: Deadline
    ) -> dict[str, Json]:
        """Return the end offsets of the topics; a topic that does not exist has no partitions.

        Topics of which a partition has no leader that answers soon are left out: they are read by time.
        """
        client = client_of(connection, network)
        call = Call(network, deadline, Cancellation())
        patience = min(LEADER_SECONDS, deadline.remaining() / 2)
        ends = client.run(call, lambda: ends_within(client, call, list(keys), patience))
        return {topic: to_wire(offsets) for topic, offsets in ends.items()}
