"""What a watch reads for its step, when it has news, and what the step takes over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steprunners.clients.kafka.cluster.pool import client_of
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.messages import Message
from steprunners.clients.kafka.subscribing import watching
from steprunners.clients.kafka.subscribing.matching import Matcher
from steprunners.clients.kafka.subscribing.reading import Reading
from steprunners.clients.kafka.subscribing.watching import KafkaWatch, taken_over
from tests.steprunners.conftest import LOOPBACK


def watch(
    connection: KafkaConnection, topic: str = "t", pattern: str = "wanted", enough: int = 1, **positions: int
) -> KafkaWatch:
    reading = Reading(0, {int(name[1:]): offset for name, offset in positions.items()})
    matcher = Matcher(pattern=("exact", pattern), key=None, headers={})
    client = client_of(connection, LOOPBACK)
    return KafkaWatch(client, LOOPBACK, topic, reading, matcher, enough=enough, patience_ms=1_000)


@pytest.fixture
def here() -> KafkaConnection:
    return KafkaConnection(bootstrap_servers="127.0.0.1:1")  # nobody asks it anything


def messages(*values: str) -> list[Message]:
    return [Message("t", 0, offset, 0, None, value.encode()) for offset, value in enumerate(values)]


def taken(one: KafkaWatch) -> Reading:
    rest = taken_over(one.token)
    assert rest is not None
    return rest


class TestReading:
    def test_from_its_own_position_on_until_enough_is_found(self, here: KafkaConnection) -> None:
        one = watch(here, p0=1)
        assert one.read(0, messages("wanted", "no", "wanted", "wanted"), 4)
        rest = taken(one)
        assert (rest.positions, rest.scanned, len(rest.found)) == ({0: 3}, 2, 1)

    def test_no_news_moves_on(self, here: KafkaConnection) -> None:
        one = watch(here, p0=0)
        assert not one.read(0, messages("no", "no"), 5)
        assert one.missing({0: 5, 1: 2}) == {1: 0}
        assert taken(one).positions == {0: 5}

    def test_a_part_of_what_is_wanted_is_news(self, here: KafkaConnection) -> None:
        one = watch(here, enough=5, p0=0)
        assert one.read(0, messages("wanted", "no", "wanted"), 3)
        assert len(taken(one).found) == 2

    def test_it_is_handed_over_once(self, here: KafkaConnection) -> None:
        one = watch(here, p0=0)
        taken(one)
        assert taken_over(one.token) is None
        assert one.read(0, messages("no"), 1)  # whoever takes over reads on by itself
        assert one.is_ahead({0: 9})

    def test_much_is_not_kept_in_memory(self, here: KafkaConnection, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watching, "HANDED_BYTES", 3)
        one = watch(here, p0=0)
        assert one.read(0, messages("wanted"), 1)
        assert taken_over(one.token) is None

    def test_a_slow_pattern_is_left_to_its_step(
        self, here: KafkaConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watching, "SLOW_SECONDS", -1.0)
        one = watch(here, p0=0)
        assert one.read(0, messages("no", "no", "no"), 3)
        rest = taken(one)
        assert (rest.positions, rest.is_slow) == ({0: 1}, True)

    def test_a_topic_that_was_made_anew_is_found(self, here: KafkaConnection) -> None:
        one = watch(here, p0=5)
        assert (one.is_ahead({0: 5}), one.is_ahead({0: 4})) == (False, True)

    def test_an_unknown_token_has_nothing(self) -> None:
        assert (taken_over(None), taken_over("")) == (None, None)


class TestLooking:
    def test_one_look_for_all(
        self, kafka_cluster: KafkaConnection, make_topic: Callable[..., str], produce: Callable[..., None]
    ) -> None:
        topic, other = make_topic(2), make_topic(1)
        found, late, idle, ahead = (
            watch(kafka_cluster, topic, "b", p0=0, p1=0),
            watch(kafka_cluster, topic, "b", p0=3, p1=0),
            watch(kafka_cluster, other, "b", p0=0),
            watch(kafka_cluster, topic, "c", p0=9, p1=0),
        )
        everyone: list[Any] = [found, late, idle, ahead]
        for value in ("a", "b", "c"):
            produce(topic, value, partition=0)
        assert set(KafkaWatch.look(everyone)) == {found, ahead}
        assert [message["offset"] for message in taken(found).found] == [1]  # type: ignore[index,call-overload]  # JSON
        assert taken_over(ahead.token) is None
        produce(topic, "b", partition=1)
        assert KafkaWatch.look([late, idle]) == [late]
        assert taken(late).positions == {0: 3, 1: 1}

    def test_a_topic_that_comes_later(
        self, kafka_cluster: KafkaConnection, make_topic: Callable[..., str], produce: Callable[..., None]
    ) -> None:
        topic = f"later-{make_topic(1)}"
        one = watch(kafka_cluster, topic)
        assert KafkaWatch.look([one]) == []
        produce(topic, "wanted")
        assert KafkaWatch.look([one]) == [one]
