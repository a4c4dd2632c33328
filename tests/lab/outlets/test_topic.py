"""The topic, on the broker that `make run` brings along; on Apache Kafka it is tests/systems that writes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from asynctester.embedded import processes, tansu
from lab.orders import Order
from lab.outlets.topic import Topic


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    binary = tansu.tansu_binary()
    assert binary is not None
    port = processes.free_port()
    server = processes.start(tansu.port_command(binary, port=port), output=subprocess.DEVNULL)
    assert processes.wait_until(lambda: processes.listens("127.0.0.1", port), within=30, alive=server)
    yield f"127.0.0.1:{port}"
    processes.end([server])
    assert server.returncode is not None


def test_an_order_is_an_event_with_its_key_and_header(broker: str) -> None:
    topic = Topic(broker, "orders")
    topic.open()
    for number in range(3):
        topic.write(Order(f"o-{number}", "cup", number, "FULFILLED", 1, 2))
    topic.close()

    events: dict[bytes, Any] = {}
    consumer = KafkaConsumer(bootstrap_servers=[broker], auto_offset_reset="earliest")
    consumer.assign([TopicPartition("orders", each) for each in consumer.partitions_for_topic("orders")])
    while len(events) < 3:
        polled = consumer.poll(timeout_ms=20_000)
        assert polled, "no more events within 20 s"
        events.update({record.key: record for records in polled.values() for record in records})
    consumer.close()
    event = events[b"o-2"]
    assert json.loads(event.value) == {
        "type": "order.fulfilled", "id": "o-2", "sku": "cup", "quantity": 2, "status": "FULFILLED", "fulfilledAt": 2,
    }  # fmt: skip
    assert list(event.headers) == [("event-type", b"order.fulfilled")]
