"""Turns for long work in one process: one thread works at a time, a few milliseconds each, owner after owner.

Python runs one thread at a time. Each thread that computes makes every other thread wait 5 ms whenever that one wants
to continue. Ten requests that compute mean ten such waits at each query of everybody else. So long work takes a seat
here: only one of the seated threads computes, the owners (organisations) take turns, and there is a pause between two
turns while other threads are working.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

#: Processor time of one turn, in seconds.
TURN_SECONDS = 0.005
#: The longest pause between two turns, in seconds.
LONGEST_PAUSE = 0.5
#: Others count as working for this long after their last work, in seconds: a client that sends request after request
#: is not working at every moment.
_LINGER_SECONDS = 0.2
#: How long work waits for a seat, in seconds: a client that is refused at once tries again at once.
PATIENCE_SECONDS = 2.0
#: How often work that waits for a turn checks whether its result is still wanted, in seconds.
_LOOK_SECONDS = 0.1


class Busy(Exception):
    """The owner, or the process, has no free seat."""


class Rotation:
    """The seats of one process.

    Work needs a seat after `free_seconds` of processor time. A pause lasts `pause` times as long as the turn before it.
    `others` returns the number of threads that work in this process, the seated ones included. One owner has at most
    `most_seats` seats; all owners together have at most `most_in_all`.
    """

    def __init__(
        self,
        others: Callable[[], int],
        *,
        free_seconds: float = 0.02,
        pause: float = 1.0,
        most_seats: int | None = None,
        most_in_all: int | None = None,
    ) -> None:
        """Begin with nobody seated."""
        self.free_seconds = free_seconds
        self._others, self._pause = others, pause
        self._most_seats, self._most_in_all = most_seats, most_in_all
        self._lock = threading.Lock()
        self._lines: dict[Hashable, deque[threading.Event]] = {}
        #: The number of each owner's last turn: the owner that has waited longest is next.
        self._last_turn: dict[Hashable, int] = {}
        self._turns = 0
        self._seated: dict[Hashable, int] = {}
        self._is_taken = False
        self._rest_until = self._disturbed_at = -math.inf

    def seat(self, owner: Hashable, is_over: Callable[[], bool]) -> Seat:
        """Return a seat, waiting up to PATIENCE_SECONDS; raise Busy where none becomes free."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._sit_down(owner):
            if time.monotonic() > until or is_over():
                raise Busy
            time.sleep(_LOOK_SECONDS)
        return Seat(self, owner, is_over)

    def _sit_down(self, owner: Hashable) -> bool:
        with self._lock:
            mine, all_seats = self._seated.get(owner, 0), sum(self._seated.values())
            if _is_full(mine, self._most_seats) or _is_full(all_seats, self._most_in_all):
                return False
            self._seated[owner] = mine + 1
            return True

    def stand_up(self, owner: Hashable) -> None:
        """Give a seat back."""
        with self._lock:
            self._seated[owner] -= 1
            if not self._seated[owner]:
                del self._seated[owner]
                self._last_turn.pop(owner, None)

    def take(self, owner: Hashable, is_over: Callable[[], bool]) -> bool:
        """Wait for a turn; return False where `is_over` comes first."""
        mine = self._line_up(owner)
        while not mine.wait(_LOOK_SECONDS):
            if is_over() and self._withdraw(owner, mine):
                return False
        while (left := self._rest_until - time.monotonic()) > 0 and self._disturbs():
            time.sleep(min(left, TURN_SECONDS))
        return True

    def give_back(self, seconds: float) -> None:
        """End a turn that took `seconds`: the owner that has waited longest is next."""
        with self._lock:
            self._rest_until = time.monotonic() + min(seconds * self._pause, LONGEST_PAUSE)
            if not self._lines:
                self._is_taken = False
                return
            owner = min(self._lines, key=lambda each: self._last_turn.get(each, 0))
            self._lines[owner].popleft().set()
            if not self._lines[owner]:
                del self._lines[owner]
            self._note_turn(owner)

    def _line_up(self, owner: Hashable) -> threading.Event:
        mine = threading.Event()
        with self._lock:
            if self._is_taken:
                self._lines.setdefault(owner, deque()).append(mine)
            else:
                self._is_taken = True
                self._note_turn(owner)
                mine.set()
        return mine

    def _note_turn(self, owner: Hashable) -> None:
        self._turns += 1
        self._last_turn[owner] = self._turns

    def _withdraw(self, owner: Hashable, mine: threading.Event) -> bool:
        """Leave the queue; return False where the turn has come meanwhile."""
        with self._lock:
            if mine.is_set():
                return False
            line = self._lines[owner]
            line.remove(mine)
            if not line:
                del self._lines[owner]
            return True

    def _disturbs(self) -> bool:
        now = time.monotonic()
        if self._others() > sum(list(self._seated.values())):
            self._disturbed_at = now
        return now - self._disturbed_at < _LINGER_SECONDS


def _is_full(seats: int, most: int | None) -> bool:
    return most is not None and seats >= most


class Seat:
    """The seat of one request or step in the rotation of its process."""

    def __init__(self, rotation: Rotation, owner: Hashable, is_over: Callable[[], bool]) -> None:
        """Take the seat; `go_on` waits for the turn."""
        self._rotation, self._owner, self._is_over = rotation, owner, is_over
        self._began: float | None = None
        self._sits = True

    def go_on(self) -> bool:
        """Wait until the thread may continue (at once during its turn); return False where `is_over` comes first."""
        now = time.thread_time()
        if self._began is not None and now - self._began < TURN_SECONDS:
            return True
        self._end_turn()
        if not self._rotation.take(self._owner, self._is_over):
            return False
        self._began = time.thread_time()
        return True

    def leave(self) -> None:
        """End the turn and stand up."""
        self._end_turn()
        if self._sits:
            self._sits = False
            self._rotation.stand_up(self._owner)

    def _end_turn(self) -> None:
        if self._began is not None:
            began, self._began = self._began, None
            self._rotation.give_back(time.thread_time() - began)
