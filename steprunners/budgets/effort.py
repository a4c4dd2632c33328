"""Limits the processor time of checks and assertions, and stops them when nobody waits for the result any more.

Each pattern, schema and comparison has a limit of its own (nodes, keywords, pairs), but a document can contain
thousands of them. So all code that works on what users wrote calls `check` (or `tick` inside loops) again and again.
Outside of `working` and `hosted` these calls do nothing.

The processor time is that of the thread. A busy machine and waiting for a turn do not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from steprunners.budgets.rotation import Busy, Rotation, Seat

#: Processor time of one piece of work, in seconds, where its host sets no limit.
USUAL_SECONDS = 2.0
#: RE2 instructions that all expressions of one piece of work may have together; each expression counts once.
MAX_INSTRUCTIONS = 2_000_000
#: Bytes of JSON that Python's parser reads in a second (measured). It blocks all threads meanwhile.
READ_PER_SECOND = 20_000_000
#: `tick` looks at the clock once in this many calls.
_TICKS = 64


class Stopped(Exception):
    """The work was stopped before it was finished."""


class TooMuchWork(Stopped):
    """The work takes too much processor time, or has too many expressions; the message says which."""


class NobodyWaits(Stopped):
    """The step was cancelled, or the client that sent the request has disconnected."""


class TooManyAtOnce(Stopped):
    """The organisation already has as much long work at once as it may have."""


def _never() -> bool:
    return False


@dataclass
class Host:
    """The limits of one request or step, which all work done for it shares.

    `seconds` is the processor time that all of it may take together. `is_over` returns True when nobody waits for the
    result any more. After `rotation.free_seconds` the work takes turns with other work; `owner` (the organisation) is
    the one whose turns it uses.
    """

    rotation: Rotation | None = None
    owner: object = None
    seconds: float = float("inf")
    judging_seconds: float = USUAL_SECONDS
    is_over: Callable[[], bool] = _never
    used: float = 0.0
    seat: Seat | None = field(default=None, repr=False)

    def spend(self, seconds: float) -> None:
        """Add processor time, and wait for a turn once it is much. Raises a Stopped."""
        self.used += seconds
        if self.is_over():
            raise NobodyWaits("the client has disconnected")
        if self.used > self.seconds:
            raise TooMuchWork(_told(self.seconds))
        if self.rotation is not None and self.used > self.rotation.free_seconds:
            self._wait_for_turn(self.rotation)

    def rest(self) -> None:
        """Give the seat back until there is more work."""
        if self.seat is not None:
            self.seat.leave()
            self.seat = None

    def _wait_for_turn(self, rotation: Rotation) -> None:
        try:
            self.seat = self.seat or rotation.seat(self.owner, self.is_over)
        except Busy as busy:
            raise TooManyAtOnce("too much long work at once") from busy
        if not self.seat.go_on():
            raise NobodyWaits("the client has disconnected")


@dataclass
class _Work:
    """One piece of work, and what it has used of its own limits."""

    host: Host | None
    outer: _Work | None
    seconds: float
    used: float = 0.0
    mark: float = field(default_factory=time.thread_time)
    ticks: int = 0
    instructions: int = 0
    expressions: set[str] = field(default_factory=set)

    def check(self) -> None:
        now = time.thread_time()
        spent, self.mark = now - self.mark, now
        self.used += spent
        if self.host is not None:
            self.host.spend(spent)
        if self.used > self.seconds:
            raise TooMuchWork(_told(self.seconds))


def _told(seconds: float) -> str:
    return f"it takes more than {seconds:g} s of processor time: use fewer or simpler patterns, schemas and values"


_host: ContextVar[Host | None] = ContextVar("host", default=None)
_work: ContextVar[_Work | None] = ContextVar("work", default=None)


@contextmanager
def hosted(host: Host) -> Iterator[Host]:
    """Count all work inside the block for `host`."""
    token = _host.set(host)
    try:
        yield host
    finally:
        _host.reset(token)
        host.rest()


def own(owner: object) -> None:
    """Set the owner whose turns this request uses from now on, once it is known."""
    host = _host.get()
    if host is not None and host.seat is None:
        host.owner = owner


@contextmanager
def working(*, processor: float | None = None) -> Iterator[None]:
    """Limit the work inside the block to `processor` seconds; by default to the host's `judging_seconds`."""
    host, outer = _host.get(), _work.get()
    if processor is None:
        processor = host.judging_seconds if host is not None else USUAL_SECONDS
    token = _work.set(_Work(host, outer, processor))
    try:
        yield
    finally:
        _work.reset(token)
        if outer is not None:
            # The host has counted the inner work, and the outer work has a limit of its own.
            outer.mark = time.thread_time()
        elif host is not None:
            host.rest()


def check() -> None:
    """Count the processor time since the last check, and wait for a turn; raise a Stopped where the work must end."""
    work = _work.get()
    if work is not None:
        work.check()


def tick() -> None:
    """Call `check` once in a while: for the inside of loops."""
    work = _work.get()
    if work is not None:
        work.ticks += 1
        if work.ticks % _TICKS == 0:
            work.check()


def expect(seconds: float) -> None:
    """Count `seconds` before work that cannot call `check` while it runs, and wait for a turn."""
    work = _work.get()
    if work is not None and work.host is not None:
        work.check()
        work.host.spend(seconds)


def spend_on(expression: str, instructions: int) -> None:
    """Count the instructions of an expression, once in each piece of work. Raises TooMuchWork.

    An expression from the cache counts as well, so the outcome does not depend on the cache.
    """
    work = _work.get()
    if work is None or expression in work.expressions:
        return
    work.expressions.add(expression)
    work.instructions += instructions
    if work.instructions > MAX_INSTRUCTIONS:
        raise TooMuchWork(
            f"its regular expressions have more than {MAX_INSTRUCTIONS} instructions together: use fewer, "
            "or smaller repetitions and character classes"
        )
