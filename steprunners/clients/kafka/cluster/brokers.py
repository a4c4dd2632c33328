"""Requests to the brokers of a cluster: to one of them, to several at once, or to whoever answers first.

A broker that cannot be reached raises `Unavailable`: that is no verdict on the cluster, because another broker may take
over what it leads. Only where no broker answers is it `ConnectionFailed`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import kafka.errors as kafka_errors
from kafka.future import Future
from kafka.protocol.metadata import MetadataRequest

from steprunners.clients.kafka.cluster.connecting import CONNECT_SECONDS, last_reason, make_manager
from steprunners.clients.kafka.cluster.errors import Unavailable, translated, unavailable
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.errors import ConnectionFailed, StepError
from steprunners.network import NetworkPolicy

#: After this time without an answer the next broker is asked too, in seconds.
HESITATION_SECONDS = 1.0

#: The broker, or the connection to it, was lost before the answer came.
LOST = (kafka_errors.KafkaConnectionError, kafka_errors.RequestTimedOutError)

Answer = Any
Address = tuple[str, int]


class Brokers:
    """The brokers of one cluster. The coroutines run on the loop of `_net`."""

    def __init__(self, connection: KafkaConnection, policy: NetworkPolicy) -> None:
        """Prepare the loop; connections are opened on demand."""
        self._manager = make_manager(connection, policy)
        self._net = self._manager._net  # private, but kafka-python's own clients use it in the same way
        self._reasons: dict[Any, StepError] = {}

    # --- one broker -----------------------------------------------------------------------------------

    async def send(self, request: Any, node_id: Any) -> Answer:
        """Return the answer of the broker. Raises StepError, or kafka-python's error.

        Raises Unavailable where it cannot be reached, or is lost before it answers: it may have done what was asked.
        """
        connection = await self.reach(node_id)
        try:
            return await connection.send_request(request)
        except LOST as error:
            raise unavailable(last_reason(error), self._name_of(node_id)) from error

    async def reach(self, node_id: Any) -> Any:
        """Return an open connection to the broker. Raises Unavailable, or the StepError of what the broker refuses."""
        connection = await self._connected(node_id)
        # Paused: its buffer is full, or the broker asked for a pause.
        while connection.paused and connection.connected:
            await self._net.sleep(0.01)
        return connection

    async def _connected(self, node_id: Any) -> Any:
        try:
            connection = self._manager.get_connection(
                node_id, timeout_ms=CONNECT_SECONDS * 1000, refresh_metadata_on_err=False
            )
            if not connection.init_future.is_done:
                await connection.init_future
        except kafka_errors.NodeNotReadyError as error:  # it failed less than a second ago
            raise self._reasons.get(node_id) or unavailable(error, self._name_of(node_id)) from error
        except Exception as error:
            # kafka-python would remember a refused login for ever, but the password may be corrected on the broker.
            self._manager._auth_failures.pop(node_id, None)
            reason = unavailable(last_reason(error), self._name_of(node_id))
            self._reasons[node_id] = reason
            raise reason from error
        return connection

    def _name_of(self, node_id: Any) -> str:
        node = self._manager.cluster.broker_metadata(node_id)
        return f"{node.host}:{node.port}" if node else f"broker {node_id}"

    # --- several --------------------------------------------------------------------------------------

    async def ask_each(self, requests: Mapping[int, Any]) -> dict[int, Answer | Unavailable]:
        """Send each broker its request at the same time; return the answers, or why there is none.

        Raises StepError where a broker refuses.
        """
        asked = {
            node_id: self._manager.call_soon(self.send, request, node_id)
            for node_id, request in requests.items()
        }
        answers: dict[int, Answer | Unavailable] = {}
        for node_id, future in asked.items():
            try:
                answers[node_id] = await future
            except Unavailable as problem:
                answers[node_id] = problem
        return answers

    async def ask_anyone(self, make_request: Callable[[], Any]) -> Answer:
        """Return the first answer of a broker, connected brokers first.

        A broker that does not answer soon holds nobody up: the next one is asked too. Raises StepError where none
        answers.
        """
        asked: list[Future] = []
        nodes = self._nodes()
        for number, node_id in enumerate(nodes, start=1):
            asked.append(self._manager.call_soon(self.send, make_request(), node_id))
            await self._settled(asked, HESITATION_SECONDS if number < len(nodes) else None)
            for future in asked:
                if future.succeeded():
                    return future.value
        raise self._why_nobody(asked, nodes)

    def _nodes(self) -> list[Any]:
        cluster = self._manager.cluster
        nodes = [node.node_id for node in (*cluster.brokers(), *cluster.bootstrap_brokers())]
        return sorted(nodes, key=lambda node_id: not self._is_connected(node_id))

    def _is_connected(self, node_id: Any) -> bool:
        connection = self._manager._conns.get(node_id)  # there is no public look-up
        return connection is not None and bool(connection.connected)

    async def _settled(self, asked: Sequence[Future], seconds: float | None) -> None:
        """Wait until one of them has succeeded, all have failed, or the time is over."""
        settled = Future()

        def look(_: Any) -> None:
            if not settled.is_done and (
                any(each.succeeded() for each in asked) or all(each.is_done for each in asked)
            ):
                settled.success(None)

        for each in asked:
            each.add_both(look)
        try:
            await self._manager.wait_for(settled, None if seconds is None else seconds * 1000)
        except kafka_errors.KafkaTimeoutError:
            return

    def _why_nobody(self, asked: Sequence[Future], nodes: Sequence[Any]) -> StepError:
        problems = [
            translated(each.exception, self._name_of(node_id))
            for each, node_id in zip(asked, nodes, strict=True)
        ]
        # What a broker that was reached says tells more than that others could not be reached.
        problems.sort(key=lambda problem: not isinstance(problem, Unavailable))
        if not problems:
            return ConnectionFailed("the resource names no broker")
        last = problems[-1]
        return ConnectionFailed(last.message, code=last.code) if isinstance(last, Unavailable) else last

    async def ask_metadata(self, topics: list[str], *, create: bool) -> Answer:
        """Return the cluster's metadata with that of the topics, and remember where its brokers are."""

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

    async def who_answers(self, seconds: float) -> tuple[list[Address], list[Address]]:
        """Return the brokers that answer now by their advertised names, and those that do not within the time.

        Of the addresses of the resource, those that no broker advertises count where they do not answer. Raises
        StepError where no broker answers.
        """
        await self.ask_metadata([], create=False)
        cluster = self._manager.cluster
        listed = {(each.host, each.port): each.node_id for each in cluster.brokers()}
        named = {(each.host, each.port): each.node_id for each in cluster.bootstrap_brokers()}
        nodes = {**named, **listed}
        asked = {address: self._manager.call_soon(self._connected, node) for address, node in nodes.items()}
        problems: dict[Address, Exception] = {}
        until = time.monotonic() + seconds
        for address, future in asked.items():
            try:
                await self._manager.wait_for(future, max(0, until - time.monotonic()) * 1000)
            except (StepError, kafka_errors.KafkaError) as problem:
                problems[address] = problem
        answering = [address for address in listed if address not in problems]
        if not answering:
            why = next((problems[each] for each in listed), ConnectionFailed("the cluster names no broker"))
            raise translated(why, ", ".join(f"{host}:{port}" for host, port in listed))
        return answering, [address for address in asked if address in problems]
