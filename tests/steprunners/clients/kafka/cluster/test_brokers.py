"""Brokers that are down, silent or deposed: no verdict on the cluster while others answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asynctester.embedded.processes import free_port
from steprunners.clients.kafka.checking import check_cluster
from steprunners.clients.kafka.cluster.pool import close_clients
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.kafka.subscribing.subscription import KafkaSubscribeConfig
from steprunners.deadline import Deadline
from steprunners.errors import ConnectionFailed, StepError
from steprunners.kinds.kafka_publish import KafkaPublishConfig, KafkaPublishRunner
from steprunners.kinds.kafka_subscribe import KafkaSubscribeRunner
from steprunners.runner import Park
from tests.hostile.kafka_stub import LyingBroker
from tests.servers.kafka_cluster import ThreeBrokers
from tests.steprunners.conftest import LOOPBACK, MakeContext

#: Runs a step of the topic to its end against these brokers.
Step = Callable[..., dict[str, Any]]


@pytest.fixture
def publish(make_context: MakeContext) -> Step:
    def run(servers: Any, topic: str, seconds: float = 20, **meta: Any) -> dict[str, Any]:
        config = KafkaPublishConfig.model_validate({"resourceId": "k", "topic": topic, **meta})
        connection = KafkaConnection(bootstrap_servers=servers)
        return KafkaPublishRunner().run(config, make_context(seconds, connection=connection)).result

    return run


@pytest.fixture
def subscribe(make_context: MakeContext) -> Step:
    def run(servers: Any, topic: str, seconds: float = 20, **meta: Any) -> dict[str, Any]:
        config = KafkaSubscribeConfig.model_validate({"resourceId": "k", "topic": topic, **meta})
        connection = KafkaConnection(bootstrap_servers=servers)
        ends = time.monotonic() + seconds
        outcome = KafkaSubscribeRunner().run(config, make_context(seconds, connection=connection))
        while isinstance(outcome, Park):
            time.sleep(min(outcome.delay_ms / 1000, 0.2))
            left = max(0.0, ends - time.monotonic())
            context = make_context(left, connection=connection, state=outcome.state)
            outcome = KafkaSubscribeRunner().run(config, context)
        return outcome.result

    return run


def values(result: dict[str, Any]) -> set[Any]:
    return {each["value"] for each in result["messages"]}


@pytest.fixture
def moved(make_topic: Callable[..., str], kafka_cluster: KafkaConnection) -> Iterator[tuple[str, str]]:
    """A topic, and a broker that names a dead leader four times, and then the real one."""
    topic = make_topic()
    port = int(kafka_cluster.bootstrap_servers.partition(":")[2])
    with LyingBroker("127.0.0.1", free_port(), topic=topic, moves_to=(4, "127.0.0.1", port)) as broker:
        yield topic, broker.address
        close_clients()


class TestALeaderThatIsLost:
    @pytest.fixture
    def deposed(self, make_topic: Callable[..., str]) -> Iterator[tuple[str, str]]:
        """A topic, and a broker that names a dead leader for ever."""
        topic = make_topic()
        with LyingBroker("127.0.0.1", free_port(), topic=topic) as broker:
            yield topic, broker.address
            close_clients()

    def test_publishing_waits_for_the_next(self, publish: Step, moved: tuple[str, str]) -> None:
        topic, servers = moved
        assert publish(servers, topic, message="x")["messages"][0]["offset"] == 0

    @pytest.mark.parametrize("start", ["EARLIEST", "STEP", "EXECUTION", "TIMESTAMP"])
    def test_reading_waits_for_the_next(
        self, subscribe: Step, moved: tuple[str, str], start: str, produce: Callable[..., None]
    ) -> None:
        topic, servers = moved
        meta = {"timestampMs": 1} if start == "TIMESTAMP" else {}
        if start == "STEP":
            assert subscribe(servers, topic, 3, startFrom=start, minMessages=0)["count"] == 0
            return
        produce(topic, "x")
        assert values(subscribe(servers, topic, startFrom=start, **meta)) == {"x"}

    def test_without_another_the_deadline_ends_it(
        self, publish: Step, subscribe: Step, deposed: tuple[str, str]
    ) -> None:
        topic, servers = deposed
        for step, meta in (
            (publish, {"message": "x"}),
            (publish, {"message": "x", "key": "k"}),
            (subscribe, {"startFrom": "STEP", "minMessages": 0}),
            (subscribe, {"startFrom": "EARLIEST", "minMessages": 0}),
        ):
            begun = time.monotonic()
            with pytest.raises(ConnectionFailed, match="nothing listens there"):
                step(servers, topic, 1, **meta)
            assert time.monotonic() - begun > 0.9

    def test_starts_are_recorded_of_other_topics_or_of_none(self, deposed: tuple[str, str]) -> None:
        topic, servers = deposed
        connection = KafkaConnection(bootstrap_servers=servers)
        assert KafkaSubscribeRunner().record_starts([topic], connection, LOOPBACK, Deadline(1)) == {}


def test_a_silent_broker_holds_nobody_up(
    publish: Step, make_topic: Callable[..., str], kafka_cluster: KafkaConnection
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        servers = [f"127.0.0.1:{silent.getsockname()[1]}", kafka_cluster.bootstrap_servers]
        assert publish(servers, make_topic(), 8, message="x")["count"] == 1
        close_clients()


def test_a_cluster_that_nobody_answers_for_ends_it_at_once(publish: Step, subscribe: Step) -> None:
    servers = [f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"]
    for step, meta in ((publish, {"message": 1}), (subscribe, {})):
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed, match="nothing listens there"):
            step(servers, "t", 60, **meta)
        assert time.monotonic() - begun < 30


@pytest.mark.soak
def test_a_leader_is_killed(publish: Step, subscribe: Step, three_brokers: ThreeBrokers) -> None:
    servers = three_brokers.alive
    three_brokers.make_topic("t", {0: [1, 2, 3], 1: [2, 3, 1], 2: [3, 1, 2]})
    three_brokers.make_topic("alone", {0: [1], 1: [2]})
    for partition in range(3):
        publish(servers, "t", message=f"before {partition}", partition=partition)
    publish(servers, "alone", message="here", partition=1)
    subscribe(servers, "t", startFrom="GROUP", consumerGroup="g")
    results: dict[str, Any] = {}

    def run(name: str, step: Step, topic: str, seconds: float = 40, **meta: Any) -> None:
        try:
            results[name] = step(servers, topic, seconds, **meta)
        except StepError as error:
            results[name] = error

    steps: list[tuple[Any, ...]] = [
        ("published", publish, "t", 40, {"message": "after", "partition": 0}),
        ("keyless", publish, "alone", 40, {"message": "somewhere"}),
        ("found", subscribe, "t", 40, {"startFrom": "EARLIEST", "minMessages": 4}),
        ("group", subscribe, "t", 40, {"startFrom": "GROUP", "consumerGroup": "g", "minMessages": 2}),
        ("absent", subscribe, "t", 12, {"startFrom": "STEP", "key": "nobody", "minMessages": 0}),
        ("living part", subscribe, "alone", 40, {"startFrom": "EARLIEST"}),
        ("dead part", subscribe, "alone", 12, {"startFrom": "EARLIEST", "minMessages": 9}),
        ("to the dead", publish, "alone", 12, {"message": "x", "partition": 0}),
    ]
    three_brokers.kill(1)
    threads = [
        threading.Thread(target=run, args=(name, step, topic, seconds), kwargs=meta)
        for name, step, topic, seconds, meta in steps
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = {name: error for name, error in results.items() if isinstance(error, StepError)}
    assert set(errors) == {"dead part", "to the dead"}
    assert all("partition 0 of topic alone" in error.message for error in errors.values())
    assert values(results["found"]) == {"before 0", "before 1", "before 2", "after"}
    assert (results["group"]["count"], results["absent"]["count"]) == (2, 0)
    assert "connected to 2 of 3 brokers" in check_cluster(
        KafkaConnection(bootstrap_servers=servers), LOOPBACK, Deadline(10)
    )
