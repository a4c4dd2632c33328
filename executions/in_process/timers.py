"""Wakes the waits that this process parked, on time: other processes' sweepers come half a second later."""

from __future__ import annotations

import heapq
import logging
import os
import threading
import time
import uuid
from collections import deque

from django.db import connection

from executions import statements
from executions.broker import chain

logger = logging.getLogger(__name__)

#: A process that remembers more waits than this leaves the rest to the sweepers.
MOST = 100_000
#: A clock that was set back is noticed within this time, in seconds.
JUST_NOW_SECONDS = 5.0

#: When (monotonic seconds), the execution, the step's position, and whether it begins the execution.
Due = tuple[float, str, int, bool]


class Timers:
    """A heap of due times (monotonic seconds), and the thread that publishes what is due."""

    def __init__(self) -> None:
        """Start empty; the thread starts with the first wait."""
        self._changed = threading.Condition()
        self._heap: list[Due] = []
        self._pid = 0
        #: Waits that are over when this process says so: the database's clock was set back, by which they are not.
        self._insisted: set[Due] = set()
        self._fired: deque[tuple[float, str, int]] = deque(maxlen=1_000)

    def add(self, seconds: float, execution_id: uuid.UUID, position: int, *, begin: bool = False) -> None:
        """Publish the step's task in `seconds`; its claim finds out whether it is still to be run."""
        with self._changed:
            if self._pid != os.getpid():
                self._start()
            if len(self._heap) < MOST:
                heapq.heappush(self._heap, (time.monotonic() + seconds, str(execution_id), position, begin))
                self._changed.notify()

    def insist(self) -> None:
        """End by this process's own clock the waits that it knows, and once more those that it ended just now."""
        with self._changed:
            for fired, execution_id, position in list(self._fired):
                if time.monotonic() - fired < JUST_NOW_SECONDS:
                    self.add(0.0, uuid.UUID(execution_id), position)
            self._insisted.update(self._heap)

    def _start(self) -> None:
        self._pid = os.getpid()  # a fork inherits the heap but not the thread: what it holds is the parent's
        self._heap, self._insisted = [], set()
        threading.Thread(target=self._run, name="timers", daemon=True).start()

    def _run(self) -> None:
        while True:
            (_, execution_id, position, begin), insists = self._next()
            if not begin:
                self._fired.append((time.monotonic(), execution_id, position))
            try:
                if insists and not begin:
                    statements.next_steps.wake(uuid.UUID(execution_id), position, early=True)
                _publish(uuid.UUID(execution_id), position, begin=begin)
            except Exception:
                logger.exception("a wait of execution %s is left to the sweeper", execution_id)
            finally:
                connection.close()  # back to the pool; a broken one must not be met again

    def _next(self) -> tuple[Due, bool]:
        """Wait for what is due next; return it, and whether it is over by this process's own clock alone."""
        with self._changed:
            while True:
                if not self._heap:
                    self._changed.wait()
                    continue
                left = self._heap[0][0] - time.monotonic()
                if left <= 0:
                    return self._popped()
                self._changed.wait(left)

    def _popped(self) -> tuple[Due, bool]:
        due = heapq.heappop(self._heap)
        insists = due in self._insisted
        self._insisted.discard(due)
        return due, insists


def _publish(execution_id: uuid.UUID, position: int, *, begin: bool) -> None:
    """Publish the step alone, without asking what follows it: it may wait again, or be in the background."""
    if begin:
        chain.publish_from(execution_id, position, begin=True)
    else:
        chain.publish(execution_id, [position])


timers = Timers()
