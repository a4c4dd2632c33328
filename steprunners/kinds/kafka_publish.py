"""`kafka_publish`: sends one or many messages, which all in-sync replicas must acknowledge."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from steprunners.clients.binary import Bytes
from steprunners.clients.kafka.checking import check_cluster
from steprunners.clients.kafka.cluster.pool import client_of
from steprunners.clients.kafka.cluster.producing import Outgoing, publish
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.messages import Encoding, given_bytes, headers_to_items
from steprunners.config import StepConfig, StepResult, Wire
from steprunners.deadline import Deadline
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.network import Call, NetworkPolicy
from steprunners.runner import Finished, StepContext, StepRunner

NOTES = """
**Messages.** An object, list, number or boolean is sent as JSON, text is sent unchanged, and null is a tombstone.
`{"base64": "…"}` as message, key or header means those bytes. Header values are text. A list repeats its name; null is
a header without a value. `messageEncoding` and `keyEncoding` take what `kafka_subscribe` shows as `valueEncoding` and
`keyEncoding`: with `base64` the text is decoded; with `json` a text is sent in quotes, and `{"base64": "…"}` as that
object.

**What was read** can be published as it came: `headers: ${event.messages[0].headers}`, or whole messages:
`messages: ${event.messages}`. Their values, keys and headers are sent; topic, partition and timestamp are new. A value
or key alone keeps its form with its encoding beside it: `message: ${event.messages[0].value}` with
`messageEncoding: ${event.messages[0].valueEncoding}`. Without that, bytes in base64 are sent as text. `valueText` sends
JSON with its white space, in UTF-8 without a byte order mark.

**Partitions.** Without `partition` the key chooses the partition as in Java's producer (murmur2), so messages with the
same key keep their order. Messages without a key go to one random partition that has a leader. If a topic does not
exist, the brokers create it if they are configured to (`auto.create.topics.enable`), as for any producer.

**Acknowledgement.** The step waits for all in-sync replicas (`acks=all`). It sends each message once. If the
acknowledgement is lost, the step is an ERROR that says so, and only its own `retry` sends again. If the leader of the
partition cannot be reached, nothing was sent: the step asks the other brokers for the new leader until its deadline.
""".strip()

#: What `kafka_subscribe` shows of a message and a producer does not choose.
_NOT_SENT = frozenset({"topic", "partition", "offset", "timestamp", "valueEncoding", "valueText"})


class _Parts(Wire):
    """What a message consists of, besides its value."""

    key: Bytes = Field(None, description="Text unchanged, other values as JSON; no key if it is left out.")
    headers: dict[str, Bytes] = Field(default_factory=dict)
    partition: int | None = Field(None, ge=0, lt=2**31)
    timestamp_ms: int | None = Field(None, ge=0, lt=2**63, description="Now, if it is left out.")
    message_encoding: Encoding = Field(
        "auto", description="How `message` is sent. auto: text as text, other values as JSON."
    )
    key_encoding: Encoding = Field("auto", description="How `key` is sent.")


class PublishedMessage(_Parts):
    """One message to send."""

    message: Bytes = Field(
        description="An object or list is sent as JSON, text unchanged, null as a tombstone."
    )

    @model_validator(mode="before")
    @classmethod
    def _as_it_came(cls, given: Any) -> Any:
        """Take a message as `kafka_subscribe` shows it."""
        if not isinstance(given, dict) or "valueEncoding" not in given or "message" in given:
            return given
        sent = {name: value for name, value in given.items() if name not in _NOT_SENT}
        value, encoding = sent.pop("value", None), given["valueEncoding"]
        if encoding == "json" and isinstance(given.get("valueText"), str):
            value, encoding = given["valueText"], "text"  # to the byte, with its white space
        return {**sent, "message": value, "messageEncoding": encoding}


class _Target(StepConfig):
    """Where messages go, and the value of the one."""

    resource_id: str = Field(min_length=1, description="A kafka resource, by id or name.")
    topic: str = Field(min_length=1, max_length=249)
    message: Bytes = Field(
        None, description="An object or list is sent as JSON, text unchanged, null as a tombstone."
    )


class KafkaPublishConfig(_Parts, _Target):
    """The messages to send, and their topic."""

    messages: list[PublishedMessage] | None = Field(
        None, min_length=1, max_length=10_000, description="Several messages, instead of `message`."
    )

    @model_validator(mode="after")
    def _one_or_many(self) -> KafkaPublishConfig:
        given = self.model_fields_set
        if "messages" in given and given & _OF_ONE:
            raise ValueError(
                "give either messages, or message with its key, headers, partition and timestampMs"
            )
        if self.messages is None and "message" not in given:
            raise ValueError("give message (null is a tombstone) or messages")
        return self

    def all_messages(self) -> list[PublishedMessage]:
        """Return the messages, whether one or many are given."""
        if self.messages is not None:
            return self.messages
        return [PublishedMessage(**{name: getattr(self, name) for name in PublishedMessage.model_fields})]


_OF_ONE = frozenset(PublishedMessage.model_fields)


class WrittenMessage(Wire):
    """The position of a message."""

    topic: str
    partition: int
    offset: int
    timestamp: int = Field(
        description="In ms since the epoch; set by the broker if the topic is configured so."
    )


class KafkaPublishResult(StepResult):
    """The messages in the order in which they were given."""

    messages: list[WrittenMessage]
    count: int


class KafkaPublishRunner(StepRunner[KafkaPublishConfig, KafkaConnection]):
    """Sends messages and returns their positions."""

    type = "kafka_publish"
    aliases = ("kafka_pub",)
    label = "Kafka publish"
    description = (
        "Sends one or many messages to a Kafka topic and waits until all in-sync replicas have them."
    )
    notes = NOTES
    result_class = KafkaPublishResult
    resource_type = "kafka"
    example: ClassVar[dict[str, Any]] = {
        "name": "announce",
        "stepType": "kafka_publish",
        "meta": {
            "resourceId": "shop-kafka",
            "topic": "orders",
            "key": "order-${uuid()}",
            "headers": {"source": "test"},
            "message": {"sku": "tea", "quantity": 2},
        },
        "timeoutMs": 5000,
    }

    def check(self, connection: KafkaConnection, network: NetworkPolicy, deadline: Deadline) -> str:
        """Connect, log in and ask for the brokers. Raises StepError."""
        return check_cluster(connection, network, deadline)

    def run(self, config: KafkaPublishConfig, context: StepContext[KafkaConnection]) -> Finished:
        """Send the messages; raise StepError where one is not acknowledged."""
        started = time.monotonic()
        outgoing = [_outgoing(each, context.trace_headers) for each in config.all_messages()]
        client = client_of(context.resource, context.network)
        call = Call(context.network, context.deadline, context.cancellation)
        written = client.run(call, lambda: publish(client, call, config.topic, outgoing))
        messages: list[Json] = [
            {
                "topic": config.topic,
                "partition": each.partition,
                "offset": each.offset,
                "timestamp": each.timestamp_ms,
            }
            for each in written
        ]
        duration_ms = round((time.monotonic() - started) * 1000)
        return Finished({"messages": messages, "count": len(messages), "durationMs": duration_ms})


def _outgoing(message: PublishedMessage, trace_headers: Mapping[str, Json]) -> Outgoing:
    return Outgoing(
        _bytes("key", message.key, message.key_encoding),
        _bytes("message", message.message, message.message_encoding),
        headers_to_items({**trace_headers, **message.headers}),
        message.partition,
        message.timestamp_ms,
    )


def _bytes(name: str, value: Json, encoding: Encoding) -> bytes | None:
    try:
        return given_bytes(value, encoding, f"meta.{name}")
    except ValueError as error:
        raise BadConfig(f"meta.{name}: {error}") from error
