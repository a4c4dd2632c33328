"""Timers end the waits that this process parked on time; the sweepers of other processes come half a second late."""

from __future__ import annotations

import heapq
import logging
import threading
import time
import uuid
from collections import deque

from django.db import connection

from executions import statements
from executions.broker import chain
from executions.runtime.background_thread import BackgroundThread

logger = logging.getLogger(__name__)

#: A process that holds more timers than this leaves the rest to the sweepers.
MOST = 100_000
#: A database clock that was set back is noticed within this time, in seconds.
JUST_NOW_SECONDS = 5.0

#: When (monotonic seconds), the execution, the step's position, and whether the task begins the execution.
Due = tuple[float, str, int, bool]


class Timers:
    """A heap of due times (monotonic seconds), and the thread that publishes what is due."""

    def __init__(self) -> None:
        """Start empty; the thread starts with the first timer."""
        self._thread = BackgroundThread("timers", self.publish_due, after_fork=self._forget)
        self._forget()

    def _forget(self) -> None:
        # In a forked child: the timers are the parent's.
        self._lock = threading.RLock()
        self._heap: list[Due] = []
        #: Waits that end by this process's clock: the database's clock was set back, by which they have not ended.
        self._by_own_clock: set[Due] = set()
        self._fired: deque[tuple[float, str, int]] = deque(maxlen=1_000)

    def add(self, seconds: float, execution_id: uuid.UUID, position: int, *, begin: bool = False) -> None:
        """Publish the step's task in `seconds`; its claim finds out whether it still has to run."""
        due = (time.monotonic() + seconds, str(execution_id), position, begin)
        with self._lock:
            if len(self._heap) < MOST:
                heapq.heappush(self._heap, due)
            is_next = self._heap[0] is due
        self._thread.start()
        if is_next:
            self._thread.wake()

    def use_own_clock(self) -> None:
        """End the waits in the heap by this process's clock, and once more those that ended just now.

        The database's clock was set back: by it they have not ended.
        """
        with self._lock:
            for fired, execution_id, position in list(self._fired):
                if time.monotonic() - fired < JUST_NOW_SECONDS:
                    self.add(0.0, uuid.UUID(execution_id), position)
            self._by_own_clock.update(self._heap)

    def publish_due(self) -> float | None:
        """Publish the next wait that is over; returns the seconds until the one after it, None where there is none."""
        due = self._pop_due()
        if due is not None:
            self._end_wait(*due)
        with self._lock:
            return max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None

    def _pop_due(self) -> tuple[Due, bool] | None:
        """Return the next wait that is over, and whether it is over by this process's clock alone."""
        with self._lock:
            if not self._heap or self._heap[0][0] > time.monotonic():
                return None
            due = heapq.heappop(self._heap)
            by_own_clock = due in self._by_own_clock
            self._by_own_clock.discard(due)
            return due, by_own_clock

    def _end_wait(self, due: Due, by_own_clock: bool) -> None:
        _, execution_id, position, begin = due
        if not begin:
            self._fired.append((time.monotonic(), execution_id, position))
        try:
            if by_own_clock and not begin:
                statements.next_steps.wake(uuid.UUID(execution_id), position, early=True)
            _publish(uuid.UUID(execution_id), position, begin=begin)
        except Exception:
            logger.exception("a wait of execution %s is left to the sweeper", execution_id)
        finally:
            connection.close()  # back to the pool; a broken connection must not be used again


def _publish(execution_id: uuid.UUID, position: int, *, begin: bool) -> None:
    """Publish the step alone, without the steps after it: it may wait again, or be in the background."""
    if begin:
        chain.publish_from(execution_id, position, begin=True)
    else:
        chain.publish(execution_id, [position])


timers = Timers()
