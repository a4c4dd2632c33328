"""How much work checking and judging may be: processor time, turns, and whether anybody still waits for it.

Each pattern, schema and comparison is bounded by itself (nodes, keywords, pairs), but a document holds thousands of
them. So whatever works on what users wrote calls `check` (or `tick`, in loops) as it goes. Outside of `working` and
`hosted` these do nothing.

Processor time is that of the thread: a machine that is busy with others, and waiting for a turn, take none of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from steprunners.budgets.rotation import Busy, Rotation, Seat

#: Processor time of one piece of work where its host does not say.
USUAL_SECONDS = 2.0
#: Instructions (RE2's) that the expressions of one piece of work may have together, each expression counted once.
MAX_INSTRUCTIONS = 2_000_000
#: Bytes of JSON that Python's parser, which holds up all threads, reads in a second (measured).
READ_PER_SECOND = 20_000_000
#: Of the cheapest ticks only every so manieth looks at the clock.
_TICKS = 64


class Stopped(Exception):
    """The work was ended before it was done."""


class TooMuchWork(Stopped):
    """The work takes more processor time than it may, or its expressions are too many; the message says which."""


class NobodyWaits(Stopped):
    """The step was cancelled, or whoever sent the request is gone."""


class TooManyAtOnce(Stopped):
    """As much long work as one organisation may have at once is under way."""


def _never() -> bool:
    return False


@dataclass
class Host:
    """What a request or a step brings along for all work done for it.

    `seconds` is the processor time of all its work together; `is_over` says that nobody waits for it any more;
    beyond `rotation.free_seconds` the work takes turns with others' there, `owner` being whose turns it takes.
    """

    rotation: Rotation | None = None
    owner: object = None
    seconds: float = float("inf")
    judging_seconds: float = USUAL_SECONDS
    is_over: Callable[[], bool] = _never
    used: float = 0.0
    seat: Seat | None = field(default=None, repr=False)

    def spend(self, seconds: float) -> None:
        """Count processor time; waits for a turn where it has become much. Raises a Stopped."""
        self.used += seconds
        if self.is_over():
            raise NobodyWaits("nobody waits for this any more")
        if self.used > self.seconds:
            raise TooMuchWork(_told(self.seconds))
        if self.rotation is not None and self.used > self.rotation.free_seconds:
            self._wait_for_turn(self.rotation)

    def rest(self) -> None:
        """Let others have their turns until more work comes."""
        if self.seat is not None:
            self.seat.leave()
            self.seat = None

    def _wait_for_turn(self, rotation: Rotation) -> None:
        try:
            self.seat = self.seat or rotation.seat(self.owner, self.is_over)
        except Busy as busy:
            raise TooManyAtOnce("too much long work at once") from busy
        if not self.seat.go_on():
            raise NobodyWaits("nobody waits for this any more")


@dataclass
class _Work:
    """One piece of work: what it may take of its own."""

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
    """Have all work inside the block count for `host`."""
    token = _host.set(host)
    try:
        yield host
    finally:
        _host.reset(token)
        host.rest()


def own(owner: object) -> None:
    """Say whose turns the work of this request takes from now on, once that is known."""
    host = _host.get()
    if host is not None and host.seat is None:
        host.owner = owner


@contextmanager
def working(*, processor: float | None = None) -> Iterator[None]:
    """Let the work inside the block take so much processor time; without `processor` what the host gives to judging."""
    host, outer = _host.get(), _work.get()
    if processor is None:
        processor = host.judging_seconds if host is not None else USUAL_SECONDS
    token = _work.set(_Work(host, outer, processor))
    try:
        yield
    finally:
        _work.reset(token)
        if outer is not None:
            outer.mark = time.thread_time()  # the host has counted it, and what is outside has its own bound
        elif host is not None:
            host.rest()


def check() -> None:
    """Count the processor time since the last look; raise a Stopped where the work is to end, else wait for a turn."""
    work = _work.get()
    if work is not None:
        work.check()


def tick() -> None:
    """Do what `check` does, now and then: for the inside of loops."""
    work = _work.get()
    if work is not None:
        work.ticks += 1
        if work.ticks % _TICKS == 0:
            work.check()


def expect(seconds: float) -> None:
    """Wait for a turn before work that cannot be looked at while it lasts, and that is expected to take so long."""
    work = _work.get()
    if work is not None and work.host is not None:
        work.check()
        work.host.spend(seconds)


def spend_on(expression: str, instructions: int) -> None:
    """Count an expression's instructions, once a piece of work, however it came to be compiled; raises TooMuchWork.

    So the outcome does not depend on what a cache holds.
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
