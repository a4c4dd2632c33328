"""A worker's threads, shared among organisations: none takes the last ones, and who has the fewest is served first.

A task whose organisation holds its share of this process is not run but kept in line here, which takes no thread; a
thread that ends a step goes on with the step whose organisation holds the fewest threads. So the broker's queue never
stands still behind the slow steps of one organisation. What is in line is nowhere written down: like any message it
says "look at this position", and when the process is lost the sweepers say it again.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter, deque
from dataclasses import dataclass

#: An organisation may hold so many times the threads that it leaves free: seven of eight, 35 of 40; when two are
#: greedy 7 each of 16. The "dynamic threshold" of Choudhury and Hahne (1998), which shares switch buffers so.
SHARE = 7
#: A lane with so many in line is not read from the broker any more: other workers may have room for it.
MOST_IN_LINE = 500


@dataclass(frozen=True, slots=True)
class Work:
    """A task's arguments, the positions that its chain holds after it, and when it was due (s since the epoch)."""

    execution_id: uuid.UUID
    position: int | None
    begin: bool = False
    rest: tuple[int | None, ...] = ()
    due: float | None = None


class Turns:
    """Which lane (organisation) holds how many threads of this process, and who is in line for one."""

    def __init__(self, threads: int = 1) -> None:
        """Share so many threads; a worker that has more says so when it is ready."""
        self.threads = threads
        self._lock = threading.Lock()
        self._running: Counter[int] = Counter()
        self._lines: dict[int, deque[Work]] = {}
        self._known: set[tuple[uuid.UUID, int | None]] = set()
        self._closed = False

    def enter(self, lane: int, work: Work) -> bool:
        """Take a thread for the work, or put it in line and return False. Each True needs a `leave`."""
        with self._lock:
            if self._closed or self._has_room(lane):
                self._running[lane] += 1
                return True
            place = (work.execution_id, work.position)
            if place not in self._known:  # a sweeper publishes again what nobody has claimed for a while
                self._known.add(place)
                self._lines.setdefault(lane, deque()).append(work)
            return False

    def leave(self, lane: int) -> tuple[int, Work] | None:
        """Give the thread back; returns whose turn it is, which has the thread now and needs a `leave` as well."""
        with self._lock:
            self._running[lane] -= 1
            if not self._running[lane]:
                del self._running[lane]
            ready = [each for each in self._lines if self._has_room(each)]
            if self._closed or not ready:
                return None
            chosen = min(ready, key=lambda each: self._running[each])
            self._running[chosen] += 1
            return chosen, self._take(chosen)

    def full(self) -> set[int]:
        """Return the lanes that have enough in line."""
        return {lane for lane, line in list(self._lines.items()) if len(line) >= MOST_IN_LINE}

    def close(self) -> None:
        """Let nobody take a turn from the line any more: the worker ends."""
        self._closed = True  # without the lock: signal handlers call it

    def drain(self) -> list[Work]:
        """Take out and return all that is in line."""
        with self._lock:
            return [self._take(lane) for lane in list(self._lines) for _ in range(len(self._lines[lane]))]

    def _take(self, lane: int) -> Work:
        line = self._lines[lane]
        work = line.popleft()
        self._known.discard((work.execution_id, work.position))
        if not line:
            del self._lines[lane]
        return work

    def _has_room(self, lane: int) -> bool:
        mine = self._running.get(lane, 0)
        free = self.threads - self._running.total()
        return mine == 0 or mine + 1 <= SHARE * (free - 1)


turns = Turns()
