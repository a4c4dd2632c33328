"""Reading from a real broker: where it begins, what it looks for, and what it says where it finds nothing."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaProducer
from pydantic import ValidationError

from steprunners.clients.kafka.cluster.pool import client_of
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.subscribing.matching import Matcher
from steprunners.clients.kafka.subscribing.reading import Reading
from steprunners.clients.kafka.subscribing.subscription import KafkaSubscribeConfig
from steprunners.clients.kafka.subscribing.watching import KafkaWatch
from steprunners.deadline import Deadline
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.kinds.kafka_subscribe import KafkaSubscribeRunner
from steprunners.references.errors import UnsafeValue
from steprunners.references.resolution import Grammar, resolve
from steprunners.references.scope import Scope
from steprunners.runner import ExecutionFacts, Finished, Park
from tests.steprunners.conftest import LOOPBACK, MakeContext

Read = Callable[..., dict[str, Any]]
Produce = Callable[..., None]


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    return make_topic(1)


@pytest.fixture
def read(make_context: MakeContext, kafka_cluster: KafkaConnection) -> Read:
    """Run a step to its end, from the beginning of the topic unless said otherwise."""

    def run(topic: str, seconds: float = 8, meanwhile: Callable[[], None] | None = None, **meta: Any) -> Any:
        facts = meta.pop("facts", ExecutionFacts("e", 0))
        connection = meta.pop("connection", kafka_cluster)
        whole = {"resourceId": "k", "topic": topic, "startFrom": "EARLIEST", **meta}
        config = KafkaSubscribeConfig.model_validate(whole)
        ends = time.monotonic() + seconds
        context = make_context(seconds, connection=connection, execution=facts)
        outcome = KafkaSubscribeRunner().run(config, context)
        while isinstance(outcome, Park):
            act, meanwhile = meanwhile, None
            if act is not None:
                act()
            time.sleep(min(outcome.delay_ms / 1000, 0.1))
            left = ends - time.monotonic()
            context = make_context(
                max(0.0, left), connection=connection, execution=facts, state=outcome.state
            )
            outcome = KafkaSubscribeRunner().run(config, context)
        assert isinstance(outcome, Finished)
        return outcome.result

    return run


def values(result: dict[str, Any]) -> list[Any]:
    return [message["value"] for message in result["messages"]]


class TestWhereItBegins:
    def test_recorded_starts(self, read: Read, topic: str, produce: Produce) -> None:
        for number in range(3):
            produce(topic, number)
        facts = ExecutionFacts("e", 0, starts={topic: {"0": 2}})
        result = read(topic, startFrom="EXECUTION", facts=facts)
        assert values(result) == [2]
        assert result["scanned"] == {"messages": 1, "partitions": {"0": {"from": 2, "to": 3}}}

    def test_by_time_where_nothing_was_recorded(self, read: Read, topic: str, produce: Produce) -> None:
        produce(topic, "before", timestamp_ms=1_000)
        produce(topic, "after", timestamp_ms=3_000)
        facts = ExecutionFacts("e", 5_000, starts_at_ms=2_000)
        assert values(read(topic, startFrom="EXECUTION", facts=facts)) == ["after"]

    def test_step(self, read: Read, topic: str, produce: Produce) -> None:
        produce(topic, "before")
        assert values(read(topic, startFrom="STEP", meanwhile=lambda: produce(topic, "now"))) == ["now"]

    def test_timestamp(self, read: Read, topic: str, produce: Produce) -> None:
        for number in (1_000, 2_000, 3_000):
            produce(topic, number, timestamp_ms=number)
        result = read(topic, startFrom="TIMESTAMP", timestampMs=1_500, minMessages=2)
        assert values(result) == [2_000, 3_000]

    def test_a_group_goes_on_where_it_was(self, read: Read, topic: str, produce: Produce) -> None:
        for number in range(3):
            produce(topic, number)
        group = {"startFrom": "GROUP", "consumerGroup": f"group-of-{topic}"}
        assert values(read(topic, **group)) == [0]
        assert (
            values(read(topic, 1.5, **group, searchPattern={"pattern": "nothing"})) == []
        )  # commits nothing
        assert values(read(topic, **group, minMessages=2)) == [1, 2]

    def test_a_topic_that_comes_later(self, read: Read, produce: Produce, topic: str) -> None:
        name = f"later-{topic}"
        assert values(read(name, startFrom="STEP", meanwhile=lambda: produce(name, 1))) == [1]

    def test_offsets_that_have_gone(self, read: Read, topic: str, produce: Produce) -> None:
        produce(topic, "made anew")
        facts = ExecutionFacts("e", 0, starts={topic: {"0": 99}})
        assert values(read(topic, startFrom="EXECUTION", facts=facts)) == ["made anew"]


class TestWhatItLooksFor:
    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ({"pattern": '"id": 2'}, [{"id": 2, "tags": ["b"]}]),
            ({"matchType": "regex", "pattern": '"id": [12]\\b'}, [{"id": 1, "tags": []}]),
            ({"matchType": "JSONPATH", "pattern": "$[?@.id == 2]"}, [{"id": 2, "tags": ["b"]}]),
            ({"matchType": "jsonpath", "pattern": "$.tags[?@ == 'b']"}, [{"id": 2, "tags": ["b"]}]),
        ],
    )
    def test_patterns(
        self, read: Read, topic: str, produce: Produce, search: dict[str, Any], found: list[Any]
    ) -> None:
        for value in (None, b"\xff", {"id": 1, "tags": []}, {"id": 2, "tags": ["b"]}):
            produce(topic, value)
        assert values(read(topic, searchPattern=search)) == found

    def test_key_and_headers(self, read: Read, topic: str, produce: Produce) -> None:
        produce(topic, 1, key="a", headers=[("kind", b"x")])
        produce(topic, 2, key="b", headers=[("kind", b"x")])
        produce(topic, 3, key="b", headers=[("kind", b"y"), ("kind", b"z")])
        assert values(read(topic, key="b", headers={"kind": "z"})) == [3]

    def test_match_all_collects_until_the_limit(self, read: Read, topic: str, produce: Produce) -> None:
        for number in range(5):
            produce(topic, number)
        search = {"matchType": "regex", "pattern": "[0-9]", "matchAll": True}
        assert values(read(topic, searchPattern=search, messageLimit=3)) == [0, 1, 2]
        assert values(read(topic, 1.5, searchPattern=search)) == [0, 1, 2, 3, 4]

    def test_a_miss_says_what_was_close(self, read: Read, topic: str, produce: Produce) -> None:
        produce(topic, {"id": 1}, key="a")
        produce(topic, {"id": 2}, key="b")
        search = {"matchType": "jsonpath", "pattern": "$[?@.id == 3]"}
        result = read(topic, 3, key="a", searchPattern=search)
        assert (result["count"], result["scanned"]["messages"]) == (0, 2)
        assert [(each["offset"], each["reason"]) for each in result["nearMisses"]] == [
            (0, "$[?@.id == 3] selects nothing in its value"),
            (1, 'its key is "b", not "a"; $[?@.id == 3] selects nothing in its value'),
        ]

    def test_absence_takes_the_whole_time(self, read: Read, topic: str) -> None:
        started = time.monotonic()
        assert read(topic, 1.2, minMessages=0)["count"] == 0
        assert time.monotonic() - started > 1.1

    def test_a_parsed_value_has_its_text_beside_it(self, read: Read, topic: str, produce: Produce) -> None:
        text = '{"b": 1.0,\n  "a": "\\u00e4", "n": 10.00}'
        produce(topic, text.encode())
        [message] = read(topic)["messages"]
        assert (message["value"]["a"], message["valueText"]) == ("ä", text)

    def test_odd_values(self, read: Read, topic: str, produce: Produce) -> None:
        for value in (None, b"\xff\x00", b"text", b"x" * 1_000_000):
            produce(topic, value)
        messages = read(topic, minMessages=4)["messages"]
        assert [each["valueEncoding"] for each in messages] == ["null", "base64", "text", "text"]
        assert [each["value"] for each in messages] == [None, "/wA=", "text", "x" * 1_000_000]

    @pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
    def test_compressed_batches(
        self, read: Read, topic: str, kafka_cluster: KafkaConnection, compression: str
    ) -> None:
        producer = KafkaProducer(
            bootstrap_servers=kafka_cluster.bootstrap_servers, compression_type=compression, linger_ms=100
        )
        for number in range(20):
            producer.send(topic, gzip.compress(b"") + b"same" * 50 if number == 7 else str(number).encode())
        producer.close()
        facts = ExecutionFacts("e", 0, starts={topic: {"0": 15}})
        assert values(read(topic, startFrom="EXECUTION", facts=facts, minMessages=5)) == [15, 16, 17, 18, 19]


class TestOrder:
    def test_a_partitions_messages_keep_the_order_of_their_offsets(
        self, read: Read, make_topic: Callable[..., str], produce: Produce
    ) -> None:
        topic = make_topic(2)
        for at in (3_000, 1_000, 2_000, 2_000, 4_000):
            produce(topic, at, partition=0, timestamp_ms=at)
        for at in (2_500, 3_500):
            produce(topic, at, partition=1, timestamp_ms=at)
        result = read(topic, minMessages=7)
        placed = [(each["partition"], each["offset"]) for each in result["messages"]]
        assert placed == [(1, 0), (0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (0, 4)]
        limited = read(topic, messageLimit=3, searchPattern={"pattern": "0", "matchAll": True})
        for partition in (0, 1):
            found = [each["offset"] for each in limited["messages"] if each["partition"] == partition]
            assert found == list(range(len(found)))


class TestBytes:
    @pytest.mark.parametrize(
        "meta",
        [
            {"headers": {"n": {"base64": "AAAA/w=="}}},
            {"headers": {"n": [{"base64": "AAAA/w=="}, ""]}},
            {"key": {"base64": "aw=="}},
            {"searchPattern": {"pattern": {"base64": "AP8="}}},
        ],
    )
    def test_bytes_are_searched_for(
        self, read: Read, topic: str, produce: Produce, meta: dict[str, Any]
    ) -> None:
        produce(topic, b"no", key="k2", headers=[("n", b"AAAA/w==")])
        produce(topic, b"1\x00\xff2", key="k", headers=[("n", b"\0\0\0\xff"), ("n", b"")])
        (found,) = read(topic, **meta)["messages"]
        assert (found["offset"], found["value"], found["valueEncoding"]) == (1, "MQD/Mg==", "base64")
        assert found["headers"] == {"n": [{"base64": "AAAA/w=="}, ""]}

    def test_a_near_miss_shows_its_bytes(self, read: Read, topic: str, produce: Produce) -> None:
        produce(topic, b"\0", key="k", headers=[("n", b"\0")])
        (near,) = read(topic, 1.5, key={"base64": "AA=="}, headers={"n": {"base64": "AQ=="}})["nearMisses"]
        assert near["reason"] == (
            'its key is "k", not {"base64": "AA=="}; its header n is {"base64": "AA=="}, not {"base64": "AQ=="}'
        )
        shown = near["key"], near["keyEncoding"], near["value"], near["valueEncoding"]
        assert shown == ("k", "text", "AA==", "base64")


class TestTransactions:
    @pytest.fixture
    def transaction(self, topic: str, kafka_cluster: KafkaConnection) -> Iterator[KafkaProducer]:
        producer = KafkaProducer(
            bootstrap_servers=kafka_cluster.bootstrap_servers, transactional_id=f"t-{topic}"
        )
        producer.init_transactions()
        producer.begin_transaction()
        yield producer
        producer.close()

    @pytest.fixture
    def committed(self, kafka_cluster: KafkaConnection) -> KafkaConnection:
        options = {"isolationLevel": "READ_COMMITTED"}
        servers = kafka_cluster.bootstrap_servers
        return KafkaConnection.model_validate({"bootstrapServers": servers, "options": options})

    def test_aborted_ones(
        self, read: Read, topic: str, transaction: KafkaProducer, committed: KafkaConnection
    ) -> None:
        transaction.send(topic, b'"aborted"').get(timeout=20)
        transaction.abort_transaction()
        transaction.begin_transaction()
        transaction.send(topic, b'"committed"').get(timeout=20)
        transaction.commit_transaction()
        assert values(read(topic, connection=committed)) == ["committed"]
        assert values(read(topic)) == ["aborted"]

    @pytest.mark.parametrize(
        ("start", "since", "expected"),
        [
            ("EXECUTION", None, ["newer"]),
            ("STEP", None, ["newer"]),
            ("TIMESTAMP", 2_000, ["newer"]),
            ("TIMESTAMP", 1_000, ["older", "newer"]),
            ("EARLIEST", None, ["older", "newer"]),
        ],
    )
    def test_one_that_is_open_at_the_start(
        self,
        read: Read,
        topic: str,
        transaction: KafkaProducer,
        committed: KafkaConnection,
        start: str,
        since: int | None,
        expected: list[str],
    ) -> None:
        transaction.send(topic, b'"older"', timestamp_ms=1_000).get(timeout=20)

        def finish() -> None:
            transaction.send(topic, b'"newer"', timestamp_ms=3_000).get(timeout=20)
            transaction.commit_transaction()

        meta: dict[str, Any] = {"timestampMs": since}
        if start == "EXECUTION":
            starts = KafkaSubscribeRunner().record_starts([topic], committed, LOOPBACK, Deadline(10))
            meta["facts"] = ExecutionFacts("e", 0, starts=starts)
        every = {"pattern": '"', "matchAll": True}
        result = read(
            topic,
            4,
            finish,
            startFrom=start,
            connection=committed,
            searchPattern=every,
            messageLimit=2,
            **meta,
        )
        assert values(result) == expected

    def test_one_that_stays_open_wakes_nobody(
        self, topic: str, transaction: KafkaProducer, committed: KafkaConnection
    ) -> None:
        transaction.send(topic, b'"open"').get(timeout=20)
        client, matcher = client_of(committed, LOOPBACK), Matcher(pattern=None, key=None, headers={})
        watch = KafkaWatch(client, LOOPBACK, topic, Reading(0, {0: 1}), matcher, enough=1, patience_ms=1_000)
        assert KafkaWatch.look([watch]) == []
        transaction.send(topic, b'"new"').get(timeout=20)
        assert KafkaWatch.look([watch]) == []
        transaction.commit_transaction()
        assert KafkaWatch.look([watch]) == [watch]


class TestConfig:
    @pytest.mark.parametrize(
        "meta",
        [
            {"startFrom": "TIMESTAMP"},
            {"timestampMs": 1},
            {"startFrom": "GROUP"},
            {"consumerGroup": "g"},
            {"minMessages": 5, "messageLimit": 4},
            {"searchPattern": {"matchType": "regex", "pattern": "("}},
            {"searchPattern": {"matchType": "jsonpath", "pattern": "id"}},
            {"searchPattern": {"pattern": ""}},
            {"searchPattern": {"pattern": {"base64": ""}}},
            {"searchPattern": {"pattern": {"base64": "§"}}},
            {"searchPattern": {"pattern": {"base64": "AA=="}, "matchType": "regex"}},
            {"searchPattern": {"pattern": {"base64": "AA==", "text": ""}}},
            {"key": {"base64": "§"}},
            {"headers": {"n": {"base64": "§"}}},
        ],
    )
    def test_what_is_refused(self, meta: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            KafkaSubscribeConfig.model_validate({"resourceId": "k", "topic": "t", **meta})

    def test_the_patterns_grammar_is_its_types(self) -> None:
        grammars = {"exact": Grammar.PLAIN, "Regex": Grammar.REGEX, "jsonpath": Grammar.JSONPATH}
        for match_type, grammar in grammars.items():
            meta: Any = {"searchPattern": {"matchType": match_type}}
            assert KafkaSubscribeConfig.grammar_of(("searchPattern", "pattern"), meta) is grammar
        assert KafkaSubscribeConfig.grammar_of(("topic",), {}) is Grammar.PLAIN

    def test_a_value_in_a_pattern_of_an_unknown_type_is_refused(self) -> None:
        scope = Scope(variables={"type": "regex", "id": "a.*"})

        def resolved(pattern: str) -> Json:
            meta: Json = {"searchPattern": {"matchType": "${type}", "pattern": pattern}}
            return resolve(meta, scope, lambda path, _whole: KafkaSubscribeConfig.grammar_of(path, meta))

        with pytest.raises(UnsafeValue, match="needs a matchType without a reference"):
            resolved("x${id}")
        assert resolved("x.*") == {"searchPattern": {"matchType": "regex", "pattern": "x.*"}}

    def test_a_resource_of_another_type(self, make_context: MakeContext) -> None:
        with pytest.raises(BadConfig):
            KafkaSubscribeRunner().run(KafkaSubscribeConfig(resource_id="k", topic="t"), make_context())
