"""Many executions that wait for a Kafka message at once: `python -m benchmarks.kafka_waits [--waiting 500]`.

One worker process, a real broker. Measured: how soon a message is found while the worker has nothing else to do; the
memory of the worker before, while all wait, and afterwards; how long another flow takes before, meanwhile and while all
messages are found; and the time from the first of so many messages to the last one found.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import requests
from kafka import KafkaProducer

from asynctester.embedded import commands
from asynctester.embedded.processes import end
from benchmarks.contenders import Installation
from benchmarks.processor_time import megabytes_of, seconds_of
from benchmarks.report import quantile, table
from benchmarks.servers import servers
from tests.servers.kafka import start_kafka

TOPIC = "orders"
PATIENCE_SECONDS = 300


class Bench:
    """An installation and its database and broker, looked at from outside."""

    def __init__(self, installation: Installation, brokers: str) -> None:
        """Make the resource; the flows are drafts."""
        self.installation = installation
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {installation.access_token}"
        self._database = psycopg.connect(installation.database_url, autocommit=True)
        self._producer = KafkaProducer(bootstrap_servers=brokers, acks="all", linger_ms=0)
        config = {"bootstrapServers": brokers}
        self._post("resources", {"name": "shop-kafka", "type": "kafka", "config": config})

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._session.post(f"{self.installation.url}/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def start(self, step: dict[str, Any]) -> str:
        """Start a flow of this one step; return the execution's id."""
        flow = {"name": "Waiting", "steps": [step]}
        return str(self._post("flows/run", {"flow": flow})["id"])

    def send(self, identifiers: Sequence[str]) -> None:
        """Write a message for each, and wait until all are there."""
        for future in [self._producer.send(TOPIC, json.dumps({"id": each}).encode()) for each in identifiers]:
            future.get(timeout=30)

    def value(self, query: str, *values: Any) -> Any:
        """Return the only value of the query."""
        row = self._database.execute(query.encode(), values).fetchone()
        return row[0] if row else None

    def wait_for(self, count: int, query: str, *values: Any) -> None:
        """Wait until the query counts so many."""
        until = time.monotonic() + PATIENCE_SECONDS
        while (found := self.value(query, *values)) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{found} of {count}: {query}")
            time.sleep(0.02)

    def other_flow_ms(self) -> float:
        """Run a flow that has nothing to do with Kafka; return the ms from the request to its end."""
        started = time.perf_counter()
        execution = self.start({"name": "pause", "stepType": "delay", "meta": {"delayMs": 1}})
        self.wait_for(1, _ENDED + " AND id = %s", execution)
        return (time.perf_counter() - started) * 1000

    def other_flows_ms(self, number: int) -> list[float]:
        """Run several, one after the other."""
        return [self.other_flow_ms() for _ in range(number)]

    def worker_mb(self) -> float:
        """Return the worker's resident memory in MiB."""
        return megabytes_of(self.installation.workers)


_ENDED = "SELECT count(*) FROM executions_execution WHERE status = 'COMPLETED'"
_WAITING = (
    "SELECT count(*) FROM executions_executionstep WHERE status = 'WAITING' AND step_type = 'kafka_subscribe'"
)
_FOUND = (
    "SELECT count(*) FROM executions_executionstep WHERE status = 'SUCCESS' AND step_type = 'kafka_subscribe'"
)


def waiting_step(wanted: str) -> dict[str, Any]:
    """Return a step that waits for the message with this id."""
    search = {"matchType": "jsonpath", "pattern": f"$[?@.id == '{wanted}']"}
    meta = {"resourceId": "shop-kafka", "topic": TOPIC, "searchPattern": search}
    return {"name": "event", "stepType": "kafka_subscribe", "timeoutMs": 600_000, "meta": meta}


@contextmanager
def bench() -> Iterator[Bench]:
    """Start everything; end it with the block."""
    with servers() as shared:
        folder = shared.folder / "kafka"
        folder.mkdir()
        broker_process, broker = start_kafka(folder)
        installation = Installation("Kafka", shared, shared.new_database("kafka"), 3, [commands.worker()])
        try:
            installation.start()
            yield Bench(installation, broker.plaintext)
        finally:
            installation.stop()
            end([broker_process])


def measure_alone(bench: Bench, times: int) -> list[float]:
    """Return the ms from a message's acknowledgement to the end of the execution that waits for it alone."""
    found: list[float] = []
    for number in range(times):
        wanted = uuid.uuid4().hex
        bench.start(waiting_step(wanted))
        bench.wait_for(1, _WAITING)
        time.sleep(0.1 * (number % 7))  # anywhere between two looks
        bench.send([wanted])
        sent = time.perf_counter()
        bench.wait_for(number + 1, _FOUND)
        found.append((time.perf_counter() - sent) * 1000)
    return found


def measure_many(bench: Bench, waiting: int, alone: int) -> list[tuple[str, str]]:
    """Return the figures of so many that wait at once, after `alone` that have waited before."""
    figures: list[tuple[str, str]] = []
    wanted = [uuid.uuid4().hex for _ in range(waiting)]
    figures.append(("another flow before, median ms", f"{statistics.median(bench.other_flows_ms(10)):.0f}"))
    figures.append(("worker's memory before, MiB", f"{bench.worker_mb():.0f}"))
    for each in wanted:
        bench.start(waiting_step(each))
    bench.wait_for(waiting, _WAITING)
    used = seconds_of(bench.installation.workers)
    time.sleep(20)
    used = seconds_of(bench.installation.workers) - used
    figures.append((f"worker's memory while {waiting} wait, MiB", f"{bench.worker_mb():.0f}"))
    figures.append(("worker's processor while they wait, %", f"{used / 20 * 100:.1f}"))
    figures.append(
        ("another flow while they wait, median ms", f"{statistics.median(bench.other_flows_ms(10)):.0f}")
    )
    started = time.perf_counter()
    bench.send(wanted)
    figures.append((f"{waiting} messages sent after, s", f"{time.perf_counter() - started:.2f}"))
    others: list[float] = []
    while bench.value(_FOUND) < alone + waiting:
        others.append(bench.other_flow_ms())
    seconds = time.perf_counter() - started
    figures.append(("all found after the first was sent, s", f"{seconds:.2f}"))
    figures.append(("another flow meanwhile, median ms", f"{statistics.median(others):.0f}"))
    figures.append(("another flow meanwhile, most ms", f"{max(others):.0f}"))
    figures.append(("worker's memory afterwards, MiB", f"{bench.worker_mb():.0f}"))
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Executions that wait for Kafka messages at once")
    parser.add_argument("--waiting", type=int, default=500)
    parser.add_argument("--alone", type=int, default=20)
    options = parser.parse_args()
    with bench() as started:
        alone = measure_alone(started, options.alone)
        figures = [
            ("one waits: found after, median ms", f"{statistics.median(alone):.0f}"),
            ("one waits: found after, p95 ms", f"{quantile(alone, 0.95):.0f}"),
            *measure_many(started, options.waiting, options.alone),
        ]
    print(table(["what", "figure"], figures))


if __name__ == "__main__":
    main()
