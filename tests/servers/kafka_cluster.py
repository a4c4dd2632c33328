"""Three Kafka brokers, each also a controller, of which a test may kill any: the others choose new leaders."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from asynctester.embedded.processes import end, free_port, listens, start, wait_until
from tests.servers.kafka import JAVA, cluster_id, format_storage, resolve_jars
from tests.servers.server import Unavailable, tail

NODES = (1, 2, 3)


class ThreeBrokers:
    """The brokers by their node id; `addresses` has the listener of each (`host:port`), `alive` those that run."""

    def __init__(self, folder: Path) -> None:
        """Start all three. Raises Unavailable."""
        resolve_jars()
        self._folder = folder
        self._ports = {node: free_port() for node in NODES}
        self._controllers = {node: free_port() for node in NODES}
        self.addresses = {node: f"127.0.0.1:{port}" for node, port in self._ports.items()}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        identifier = cluster_id()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: format_storage(folder, self._write_settings(node), identifier), NODES))
        self.start(*NODES)

    @property
    def alive(self) -> list[str]:
        """The addresses of the brokers that run."""
        return [self.addresses[node] for node in self._processes]

    def start(self, *nodes: int) -> None:
        """Start brokers, all at once: one alone waits for others to form a quorum. Raises Unavailable."""
        for node in nodes:  # in this thread: its children end with it
            with self._log(node).open("wb") as output:
                self._processes[node] = start([*JAVA, "kafka.Kafka", self._properties(node)], output=output)
        for node in nodes:
            port, process = self._ports[node], self._processes[node]
            if not wait_until(partial(listens, "127.0.0.1", port), within=120, alive=process):
                self.close()
                raise Unavailable(f"Kafka's broker {node} did not start: {tail(self._log(node))}")

    def kill(self, node: int) -> None:
        """End a broker without a farewell (SIGKILL)."""
        process = self._processes.pop(node)
        process.kill()
        process.wait()

    def close(self) -> None:
        """End all brokers."""
        end(list(self._processes.values()))

    def make_topic(self, name: str, assignments: dict[int, list[int]]) -> None:
        """Make a topic whose partitions are on these nodes, the leader first; wait until all have leaders."""
        admin = KafkaAdminClient(bootstrap_servers=self.alive)
        try:
            admin.create_topics([NewTopic(name=name, replica_assignments=assignments)])
        finally:
            admin.close()

    def _log(self, node: int) -> Path:
        return self._folder / f"{node}.log"

    def _properties(self, node: int) -> Path:
        return self._folder / f"{node}.properties"

    def _write_settings(self, node: int) -> Path:
        voters = ",".join(f"{each}@127.0.0.1:{port}" for each, port in self._controllers.items())
        broker, controller = (
            f"PLAIN://{self.addresses[node]}",
            f"CONTROLLER://127.0.0.1:{self._controllers[node]}",
        )
        settings = {
            "process.roles": "broker,controller",
            "node.id": str(node),
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAIN",
            "listeners": f"{broker},{controller}",
            "advertised.listeners": broker,
            "listener.security.protocol.map": "PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._folder / f"data-{node}"),
            "offsets.topic.num.partitions": "3",
            "offsets.topic.replication.factor": "3",
            "group.initial.rebalance.delay.ms": "0",
            # A lost broker is noticed after three seconds, not nine: so long its partitions have no leader.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
        }
        path = self._properties(node)
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path
