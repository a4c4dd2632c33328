"""The queues of the broker: one for each lane, and the order in which a worker reads them.

The settings import this module, so it imports no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kombu.utils.scheduling import round_robin_cycle

from executions.broker.thread_shares import turns

#: Lane 0, and everything that belongs to no lane (mails, for example).
DEFAULT_QUEUE = "celery"


#: Kombu's stubs have `consume` return an iterator; it is a list.
_RoundRobin: Any = round_robin_cycle


def queue_of(lane: int) -> str:
    """Return the name of the lane's queue."""
    return f"{DEFAULT_QUEUE}.{lane}" if lane else DEFAULT_QUEUE


def lane_of_queue(queue: str) -> int:
    """Return the lane of a queue; 0 for a queue that is not a lane's."""
    number = queue.removeprefix(f"{DEFAULT_QUEUE}.")
    return int(number) if number.isdecimal() else 0


def task_queues(lanes: int) -> dict[str, dict[str, str]]:
    """Return Celery's `task_queues` for that many lanes: every worker reads all of them."""
    return {queue_of(lane): {"routing_key": queue_of(lane)} for lane in range(lanes)}


class LanesInTurn(_RoundRobin):  # type: ignore[misc]  # as above
    """The order in which a worker asks Redis for messages (Kombu's option `queue_order_strategy`).

    The lane that was served longest ago comes first. A lane with a long line in this process is left out: other
    workers may have room for its tasks.
    """

    def consume(self, n: int) -> Sequence[str]:
        """Return the queues to ask for, in this order; Redis answers with the first one that has a message."""
        queues: list[str] = super().consume(n)
        full = turns.full()
        return [queue for queue in queues if lane_of_queue(queue) not in full] if full else queues
