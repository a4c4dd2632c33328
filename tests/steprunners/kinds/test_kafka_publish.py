"""Publishing to a real broker, read back with kafka-python's own consumer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from pydantic import ValidationError

from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.subscribing.subscription import KafkaSubscribeConfig
from steprunners.errors import BadConfig, Refused
from steprunners.kinds.kafka_publish import (
    KafkaPublishConfig,
    KafkaPublishRunner,
    PublishedMessage,
    _outgoing,
)
from steprunners.kinds.kafka_subscribe import KafkaSubscribeRunner
from steprunners.runner import Finished
from tests.steprunners.conftest import MakeContext

Publish = Callable[..., Any]


@pytest.fixture
def publish(make_context: MakeContext, kafka_cluster: KafkaConnection) -> Publish:
    def run(topic: str, **meta: Any) -> Any:
        config = KafkaPublishConfig.model_validate({"resourceId": "k", "topic": topic, **meta})
        return KafkaPublishRunner().run(config, make_context(connection=kafka_cluster)).result

    return run


def read(connection: KafkaConnection, topic: str, partition: int = 0) -> list[Any]:
    consumer = KafkaConsumer(bootstrap_servers=connection.bootstrap_servers, consumer_timeout_ms=1_500)
    place = TopicPartition(topic, partition)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    found = list(consumer)
    consumer.close()
    return found


def test_one_message(
    publish: Publish, make_topic: Callable[..., str], kafka_cluster: KafkaConnection
) -> None:
    topic = make_topic(2)
    headers = {"source": "test", "twice": ["1", None]}
    result = publish(
        topic, message={"id": 1}, key="k", headers=headers, partition=1, timestampMs=1_700_000_000_000
    )
    written = {"topic": topic, "partition": 1, "offset": 0, "timestamp": 1_700_000_000_000}
    assert (result["messages"], result["count"]) == ([written], 1)
    (record,) = read(kafka_cluster, topic, 1)
    assert (record.key, record.value, record.timestamp) == (b"k", b'{"id":1}', 1_700_000_000_000)
    assert record.headers == [("source", b"test"), ("twice", b"1"), ("twice", None)]


def test_many_keep_their_order(
    publish: Publish, make_topic: Callable[..., str], kafka_cluster: KafkaConnection
) -> None:
    topic = make_topic(3)
    # Four of 300 KB make more than one batch.
    messages = [{"message": f"{number} " + "x" * 300_000, "key": "same"} for number in range(4)]
    result = publish(topic, messages=messages)
    assert [each["offset"] for each in result["messages"]] == [0, 1, 2, 3]
    (partition,) = {each["partition"] for each in result["messages"]}
    assert [record.value[:1] for record in read(kafka_cluster, topic, partition)] == [b"0", b"1", b"2", b"3"]


def test_keys_go_where_other_producers_send_them(
    publish: Publish,
    make_topic: Callable[..., str],
    produce: Callable[..., None],
    kafka_cluster: KafkaConnection,
) -> None:
    topic = make_topic(7)
    for number in range(10):
        produce(topic, None, key=f"key-{number}")
        publish(topic, message=None, key=f"key-{number}")
    for partition in range(7):
        keys = [record.key for record in read(kafka_cluster, topic, partition)]
        assert all(keys.count(key) == 2 for key in keys)


def test_bytes_tombstones_and_a_megabyte(
    publish: Publish, make_topic: Callable[..., str], kafka_cluster: KafkaConnection
) -> None:
    topic = make_topic()
    publish(topic, message="/wA=", messageEncoding="base64")
    publish(topic, message=None, key="gone")
    publish(topic, message="m" * 1_000_000)
    values = [record.value for record in read(kafka_cluster, topic)]
    assert values == [b"\xff\x00", None, b"m" * 1_000_000]


def test_bytes_as_key_header_and_value(
    publish: Publish, make_topic: Callable[..., str], kafka_cluster: KafkaConnection
) -> None:
    topic = make_topic()
    marked = {"base64": "AAAA/w=="}
    publish(topic, message=marked, key=marked, headers={"n": marked, "m": [marked, "x"]})
    publish(topic, message=marked, messageEncoding="json", key="AAAA/w==", keyEncoding="base64")
    first, second = read(kafka_cluster, topic)
    raw = b"\0\0\0\xff"
    assert (first.key, first.value, first.headers) == (raw, raw, [("n", raw), ("m", raw), ("m", b"x")])
    assert (second.key, second.value) == (raw, b'{"base64":"AAAA/w=="}')


def test_what_was_read_is_published_as_it_came(
    publish: Publish,
    make_topic: Callable[..., str],
    produce: Callable[..., None],
    kafka_cluster: KafkaConnection,
    make_context: MakeContext,
) -> None:
    source, copy = make_topic(), make_topic()
    raw = b"\0\0\0\xff"
    values = [raw, b'{"id":1}', b'"text"', b"text", b"", b"5", b"null", b'{"base64":"AA=="}', None]
    for value in values:
        produce(source, value, headers=[("n", raw), ("n", b""), ("t", b"AAAA")])
    publish(source, message="x", headers={"n": None, "m": [None, "1"]})
    for key in ("", "k", "42"):
        produce(source, b"x", key=key)
    number = len(values) + 4
    config = KafkaSubscribeConfig(resource_id="k", topic=source, start_from="EARLIEST", min_messages=number)
    outcome = KafkaSubscribeRunner().run(config, make_context(connection=kafka_cluster))
    assert isinstance(outcome, Finished)
    publish(copy, messages=outcome.result["messages"])

    def sent(topic: str) -> list[Any]:
        return [(each.key, each.value, each.headers) for each in read(kafka_cluster, topic)]

    assert sent(copy) == sent(source)
    assert [value for _, value, _ in sent(copy)][: len(values)] == values


def test_a_topic_is_made_as_for_any_producer(publish: Publish, make_topic: Callable[..., str]) -> None:
    assert publish("made-" + make_topic(), message="first")["messages"][0]["offset"] == 0


@pytest.mark.parametrize(
    ("topic", "meta", "said"),
    [
        (None, {"message": "x" * 1_100_000}, "larger than the topic accepts"),
        (None, {"message": "x", "partition": 5}, "has no partition 5: it has 1"),
        ("no such topic!", {"message": "x"}, "not a valid topic name"),
        ("..", {"message": "x"}, "not a valid topic name"),
    ],
)
def test_what_the_broker_refuses(
    publish: Publish, make_topic: Callable[..., str], topic: str | None, meta: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        publish(topic or make_topic(), **meta)


def test_base64_that_is_none(publish: Publish) -> None:
    with pytest.raises(BadConfig, match="not valid base64"):
        publish("t", message="!", messageEncoding="base64")


@pytest.mark.parametrize(
    "meta",
    [
        {"message": {"base64": "§"}},
        {"message": 1, "key": {"base64": 5}},
        {},
        {"messages": []},
        {"message": 1, "messages": [{"message": 1}]},
        {"message": 1, "partition": -1},
    ],
)
def test_configs_that_are_refused(meta: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KafkaPublishConfig.model_validate({"resourceId": "k", "topic": "t", **meta})


def test_a_step_tells_its_trace(
    make_context: MakeContext, kafka_cluster: KafkaConnection, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(1)
    config = KafkaPublishConfig.model_validate({"resourceId": "k", "topic": topic, "message": 1})
    KafkaPublishRunner().run(
        config, make_context(30, connection=kafka_cluster, trace_headers={"traceparent": "t"})
    )
    assert [record.headers for record in read(kafka_cluster, topic)] == [[("traceparent", b"t")]]


def test_traces_are_told_unless_the_message_says_so_itself() -> None:
    told = {"traceparent": "ours"}
    assert _outgoing(PublishedMessage(message=1, headers={"a": "b"}), told).headers == [
        ("traceparent", b"ours"),
        ("a", b"b"),
    ]
    given = _outgoing(PublishedMessage(message=1, headers={"traceparent": "own"}), told)
    assert given.headers == [("traceparent", b"own")]
