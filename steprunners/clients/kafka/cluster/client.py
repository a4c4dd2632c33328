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
from typing import TypeVar
from weakref import WeakKeyDictionary

import kafka.errors as kafka_errors

from steprunners.clients.kafka.cluster.brokers import Brokers
from steprunners.clients.kafka.cluster.errors import PASSING, Unavailable, translated
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.errors import DeadlineExceeded, StepError
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


class KafkaClient(Brokers):
    """The brokers and topics of one cluster. Its coroutines run on its loop, by `run`."""

    def __init__(self, connection: KafkaConnection, policy: NetworkPolicy) -> None:
        """Start the loop; connections are opened on demand."""
        super().__init__(connection, policy)
        self.connection = connection
        #: Identifies the cluster and the login: equal for clients with the same config.
        self.identity = connection.model_dump_json()
        self.used_at = time.monotonic()
        #: Why a call has to wait.
        self._problems: WeakKeyDictionary[Call, Unavailable | None] = WeakKeyDictionary()
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
        problem = self._problems.pop(call, None)
        if not future.is_done or (problem and isinstance(future.exception, DeadlineExceeded)):
            raise self._too_late(call, problem)
        if future.exception is not None:
            raise translated(future.exception, self.connection.bootstrap_servers)
        result: T = future.value
        return result

    def _too_late(self, call: Call, problem: Unavailable | None) -> StepError:
        if problem is None:
            return DeadlineExceeded(f"{self.connection.bootstrap_servers} did not answer in time")
        waited_ms = round(call.deadline.seconds * 1000)
        return Unavailable(f"{problem.message}; that did not change within {waited_ms} ms")

    async def pause(self, call: Call, problem: Unavailable | None = None) -> None:
        """Let the loop do other work before a request is repeated; raise StepError where the call must end.

        `problem` is why it must be repeated: where the deadline comes first, the call ends with it.
        """
        self._problems[call] = problem
        await self._net.sleep(RETRY_SECONDS)
        call.check()

    # --- topics ---------------------------------------------------------------------------------------

    async def leaders(self, call: Call, topic: str, *, create: bool = False) -> Leaders | None:
        """Return the leader of each partition, negative for one that has none now; None where there is no such topic.

        `create` lets the broker create the topic, as for any producer (`auto.create.topics.enable`); only a publish
        does so.
        """
        known = self._topics.get(topic)
        if known is not None and time.monotonic() - known[0] < METADATA_SECONDS:
            return known[1]
        while True:
            response = await self.ask_metadata([topic], create=create)
            found = [each for each in response.topics if each.name == topic]
            error = kafka_errors.for_code(found[0].error_code) if found else _NO_TOPIC
            if error is _NO_TOPIC:
                self._topics.pop(topic, None)
                return None
            if error is kafka_errors.NoError:
                leaders = {each.partition_index: each.leader_id for each in found[0].partitions}
                self._topics[topic] = (time.monotonic(), leaders)
                return leaders
            if not issubclass(error, PASSING):
                raise translated(error(), f"topic {topic}")
            await self.pause(call)

    def forget(self, topic: str) -> None:
        """Fetch the leaders of the topic again on the next request: one of them has moved."""
        self._topics.pop(topic, None)

    def without_leader(self, topic: str, partition: int) -> Unavailable:
        """Return the problem of a partition that has no leader now; its leaders are fetched again."""
        self.forget(topic)
        return Unavailable(f"partition {partition} of topic {topic} has no leader now")
