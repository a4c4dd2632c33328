"""The client of a cluster, one in each process: its event loop in a thread, its metadata, and its requests.

A request ends with the call that asks. Steps do not use kafka-python's consumer and producer: these block without a
limit, have threads and connections of their own for each user, and a consumer has only one user at a time. Here the
requests of all steps share one connection to each broker. No request makes the broker wait (`min_bytes` is 0), because
a broker serves the requests of a connection one after the other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import kafka.errors as kafka_errors
from kafka.protocol.metadata import MetadataRequest

from steprunners.clients.kafka.cluster.connecting import CONNECT_SECONDS, last_reason, make_manager
from steprunners.clients.kafka.cluster.errors import PASSING, translated
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.errors import ConnectionFailed, DeadlineExceeded, StepError
from steprunners.network import Call, NetworkPolicy

# Every failure is shown at its step; the log is for the service itself.
logging.getLogger("kafka").setLevel(logging.CRITICAL)

T = TypeVar("T")

#: The metadata of a topic is fetched again after this time, in seconds: there may be new partitions.
METADATA_SECONDS = 5.0
#: Pause before a request is repeated after a temporary error, in seconds.
RETRY_SECONDS = 0.1

Leaders = dict[int, int]

_NO_TOPIC = kafka_errors.UnknownTopicOrPartitionError


class KafkaClient:
    """Sends requests to the brokers of one cluster. Its coroutines run on its loop, by `run`."""

    def __init__(self, connection: KafkaConnection, policy: NetworkPolicy) -> None:
        """Start the loop; connections are opened on demand."""
        self.connection = connection
        #: Identifies the cluster and the login: equal for clients with the same config.
        self.identity = connection.model_dump_json()
        self.used_at = time.monotonic()
        self._manager = make_manager(connection, policy)
        self._net = self._manager._net  # private, but kafka-python's own clients use it in the same way
        self._reasons: dict[Any, StepError] = {}
        self._topics: dict[str, tuple[float, Leaders]] = {}
        self._net.start()

    def close(self) -> None:
        """End the loop and its connections."""
        self._manager.call_soon(self._manager.close)
        self._net.close()

    def run(self, call: Call, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work` on the loop and return its result; wait no longer than the call may last.

        Raises StepError. A request that is running when the call ends is left to finish; no other request follows.
        """
        call.check()
        self.used_at = time.monotonic()
        done = threading.Event()
        future = self._manager.call_soon(work)
        future.add_both(lambda _: done.set())
        with call.cancellation.closing(done.set):
            done.wait(call.deadline.remaining())
        call.cancellation.check()
        if not future.is_done:
            raise DeadlineExceeded(f"{self.connection.bootstrap_servers} did not answer in time")
        if future.exception is not None:
            raise translated(future.exception, self.connection.bootstrap_servers)
        result: T = future.value
        return result

    async def pause(self, call: Call, seconds: float = RETRY_SECONDS) -> None:
        """Let the loop do other work before a request is repeated; raise StepError where the call must end."""
        await self._net.sleep(seconds)
        call.check()

    # --- brokers --------------------------------------------------------------------------------------

    async def send(self, request: Any, node_id: Any) -> Any:
        """Return the answer of the broker; raise StepError where it cannot be reached, or kafka-python's error."""
        connection = await self._connected(node_id)
        # Paused: its buffer is full, or the broker asked for a pause.
        while connection.paused and connection.connected:
            await self._net.sleep(0.01)
        try:
            return await connection.send_request(request)
        except kafka_errors.KafkaConnectionError as error:
            raise translated(last_reason(error), self._name_of(node_id)) from error

    async def _connected(self, node_id: Any) -> Any:
        try:
            connection = self._manager.get_connection(
                node_id, timeout_ms=CONNECT_SECONDS * 1000, refresh_metadata_on_err=False
            )
            if not connection.init_future.is_done:
                await connection.init_future
        except kafka_errors.NodeNotReadyError as error:  # it failed less than a second ago
            raise self._reasons.get(node_id) or translated(error, self._name_of(node_id)) from error
        except Exception as error:
            # kafka-python would remember a refused login for ever, but the password may be corrected on the broker.
            self._manager._auth_failures.pop(node_id, None)
            reason = translated(last_reason(error), self._name_of(node_id))
            self._reasons[node_id] = reason
            raise reason from error
        return connection

    def _name_of(self, node_id: Any) -> str:
        node = self._manager.cluster.broker_metadata(node_id)
        return f"{node.host}:{node.port}" if node else f"broker {node_id}"

    async def ask_anyone(self, make_request: Callable[[], Any]) -> Any:
        """Return the first answer of a broker, connected brokers first; raise the last StepError where none answers."""
        cluster = self._manager.cluster
        nodes = [node.node_id for node in (*cluster.brokers(), *cluster.bootstrap_brokers())]
        nodes.sort(key=lambda node_id: not self._is_connected(node_id))
        problem: StepError = ConnectionFailed("the resource names no broker")
        for node_id in nodes:
            try:
                return await self.send(make_request(), node_id)
            except (StepError, kafka_errors.KafkaError) as error:
                problem = translated(error, self._name_of(node_id))
        raise problem

    def _is_connected(self, node_id: Any) -> bool:
        connection = self._manager._conns.get(node_id)  # there is no public look-up
        return connection is not None and bool(connection.connected)

    async def reach_brokers(self) -> list[tuple[str, int]]:
        """Return host and port of each broker, after at least one was reached by its advertised name."""
        await self._ask_metadata([], create=False)
        brokers = self._manager.cluster.brokers()
        problem: StepError | None = None
        for broker in brokers:
            try:
                await self._connected(broker.node_id)
            except StepError as error:
                problem = error
            else:
                return [(each.host, each.port) for each in brokers]
        raise problem or ConnectionFailed("the cluster names no broker")

    # --- topics ---------------------------------------------------------------------------------------

    async def leaders(self, call: Call, topic: str, *, create: bool = False) -> Leaders | None:
        """Return the leader of each partition; None where there is no such topic.

        `create` lets the broker create the topic, as for any producer (`auto.create.topics.enable`); only a publish
        does so. It waits for partitions without a leader.
        """
        known = self._topics.get(topic)
        if known is not None and time.monotonic() - known[0] < METADATA_SECONDS:
            return known[1]
        while True:
            response = await self._ask_metadata([topic], create=create)
            found = [each for each in response.topics if each.name == topic]
            error = kafka_errors.for_code(found[0].error_code) if found else _NO_TOPIC
            if error is _NO_TOPIC:
                self._topics.pop(topic, None)
                return None
            partitions = found[0].partitions
            if error is kafka_errors.NoError and all(each.leader_id >= 0 for each in partitions):
                leaders = {each.partition_index: each.leader_id for each in partitions}
                self._topics[topic] = (time.monotonic(), leaders)
                return leaders
            if error is not kafka_errors.NoError and not issubclass(error, PASSING):
                raise translated(error(), f"topic {topic}")
            await self.pause(call)

    async def _ask_metadata(self, topics: list[str], *, create: bool) -> Any:
        def request() -> Any:
            return MetadataRequest(
                topics=[MetadataRequest.MetadataRequestTopic(name=topic) for topic in topics],
                allow_auto_topic_creation=create,
                include_cluster_authorized_operations=False,
                include_topic_authorized_operations=False,
                min_version=4,  # older versions always create the topic
            )

        response = await self.ask_anyone(request)
        self._manager.cluster.update_metadata(response)
        return response

    def forget(self, topic: str) -> None:
        """Fetch the leaders of the topic again on the next request: one of them has moved."""
        self._topics.pop(topic, None)
