"""A client a cluster and process: its loop in a thread, its metadata, and requests that end with the call that asks.

Steps do not use kafka-python's consumer and producer: these block without an end, join threads and connections to each
user, and the consumer is one user's at a time. Requests of all steps share one connection a broker here. No request
makes the broker wait (`min_bytes` is 0), since a broker serves a connection's requests one after the other.
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

logging.getLogger("kafka").setLevel(
    logging.CRITICAL
)  # every failure reaches its step; the log is the service's

T = TypeVar("T")

#: What is known of a topic is asked anew after this, in seconds: it may have grown partitions.
METADATA_SECONDS = 5.0
#: Pause before something passing is tried again, in seconds.
RETRY_SECONDS = 0.1

Leaders = dict[int, int]

_NO_TOPIC = kafka_errors.UnknownTopicOrPartitionError


class KafkaClient:
    """Sends requests to the brokers of one cluster. Its coroutines run on its loop, by `run`."""

    def __init__(self, connection: KafkaConnection, policy: NetworkPolicy) -> None:
        """Start the loop; connections are opened when they are needed."""
        self.connection = connection
        #: Stands for the cluster and the login: equal for clients of the same config.
        self.identity = connection.model_dump_json()
        self.used_at = time.monotonic()
        self._manager = make_manager(connection, policy)
        self._net = self._manager._net  # kafka-python's own clients reach for it in this way
        self._reasons: dict[Any, StepError] = {}
        self._topics: dict[str, tuple[float, Leaders]] = {}
        self._net.start()

    def close(self) -> None:
        """End the loop and its connections."""
        self._manager.call_soon(self._manager.close)
        self._net.close()

    def run(self, call: Call, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work` on the loop and return what it returns, but not longer than the call lasts.

        Raises StepError. A request that is under way when the call ends is left to end by itself; no other follows.
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
        """Let the loop do other work before something passing is tried again; raises where the call is over."""
        await self._net.sleep(seconds)
        call.check()

    # --- brokers --------------------------------------------------------------------------------------

    async def send(self, request: Any, node_id: Any) -> Any:
        """Return the broker's answer; raises StepError where it cannot be reached, or kafka-python's error."""
        connection = await self._connected(node_id)
        while (
            connection.paused and connection.connected
        ):  # its buffer is full, or the broker asked for a pause
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
            # kafka-python would remember a refused login for ever; the password may be put right on the broker.
            self._manager._auth_failures.pop(node_id, None)
            reason = translated(last_reason(error), self._name_of(node_id))
            self._reasons[node_id] = reason
            raise reason from error
        return connection

    def _name_of(self, node_id: Any) -> str:
        node = self._manager.cluster.broker_metadata(node_id)
        return f"{node.host}:{node.port}" if node else f"broker {node_id}"

    async def ask_anyone(self, make_request: Callable[[], Any]) -> Any:
        """Return the answer of the first broker that gives one, those known first; raises the last one's StepError."""
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
        """Return host and port of each broker, having reached at least one under its advertised name."""
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

        `create` lets the broker make the topic, as it does for any producer (`auto.create.topics.enable`); only a
        publish asks for that. A partition without a leader is waited for.
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
                min_version=4,  # older ones always create
            )

        response = await self.ask_anyone(request)
        self._manager.cluster.update_metadata(response)
        return response

    def forget(self, topic: str) -> None:
        """Ask for the topic's leaders anew: one of them has moved."""
        self._topics.pop(topic, None)
