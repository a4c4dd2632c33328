"""An Apache Kafka broker for every test that asks for it; started when first asked for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from asynctester.embedded.processes import end
from steprunners.clients.kafka.cluster.pool import close_clients
from steprunners.clients.kafka.connection import KafkaConnection
from tests.servers.fixtures import missing
from tests.servers.kafka import KafkaBroker, own_broker, start_kafka
from tests.servers.kafka_cluster import ThreeBrokers
from tests.servers.server import Unavailable


@pytest.fixture(scope="session")
def kafka_broker(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[KafkaBroker]:
    """The broker's listeners."""
    own = own_broker()
    if own is not None:
        yield own
        close_clients()
        return
    try:
        process, broker = start_kafka(tmp_path_factory.mktemp("kafka"))
    except Unavailable as problem:
        missing(pytestconfig, problem)
    yield broker
    close_clients()
    end([process])


@pytest.fixture
def three_brokers(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[ThreeBrokers]:
    """A cluster of the test's own, whose brokers it may kill."""
    try:
        brokers = ThreeBrokers(tmp_path)
    except Unavailable as problem:
        missing(pytestconfig, problem)
    yield brokers
    close_clients()
    brokers.close()


@pytest.fixture(scope="session")
def kafka_cluster(kafka_broker: KafkaBroker) -> KafkaConnection:
    """The connection to the broker's listener in the clear."""
    return KafkaConnection(bootstrap_servers=kafka_broker.plaintext)


@pytest.fixture(scope="session")
def kafka_connection(kafka_cluster: KafkaConnection, produce: Callable[..., None]) -> KafkaConnection:
    """The connection of the examples, with the message that they look for."""
    produce("orders", {"id": 42, "status": "PAID"}, key="order-42")
    return kafka_cluster


@pytest.fixture(scope="session")
def make_topic(kafka_broker: KafkaBroker) -> Iterator[Callable[..., str]]:
    """Make a topic with a name of its own and so many partitions; returns its name."""
    admin = KafkaAdminClient(bootstrap_servers=kafka_broker.plaintext)

    def make(partitions: int = 1, **settings: str) -> str:
        name = f"topic-{uuid.uuid4().hex}"
        admin.create_topics(
            [NewTopic(name=name, num_partitions=partitions, replication_factor=1, topic_configs=settings)]
        )
        return name

    yield make
    admin.close()


@pytest.fixture(scope="session")
def produce(kafka_broker: KafkaBroker) -> Iterator[Callable[..., None]]:
    """Write a message with kafka-python's own producer, and wait until it is there."""
    producer = KafkaProducer(bootstrap_servers=kafka_broker.plaintext, acks="all")

    def send(topic: str, value: Any, key: str | None = None, **options: Any) -> None:
        raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        key = "tombstone" if value is None and key is None else key  # kafka-python asks for one
        producer.send(topic, raw, key=None if key is None else key.encode(), **options).get(timeout=20)

    yield send
    producer.close()
