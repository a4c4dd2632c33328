"""How long assertions, extracts and the patterns in them may work on one result: as long as the step has time.

Each of them is bounded by itself (nodes, keywords, pairs), but a step has up to a thousand of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: A result that came at the last moment is still judged, for so many seconds.
LEAST_SECONDS = 0.5

_until: ContextVar[float | None] = ContextVar("until", default=None)


class OutOfTime(Exception):
    """The step's time is over, and what is judged is not done."""


@contextmanager
def working(seconds: float) -> Iterator[None]:
    """Let what is judged inside the block take so long, and LEAST_SECONDS in any case."""
    token = _until.set(time.monotonic() + max(seconds, LEAST_SECONDS))
    try:
        yield
    finally:
        _until.reset(token)


def check_time() -> None:
    """Raise OutOfTime where the time is over."""
    until = _until.get()
    if until is not None and time.monotonic() > until:
        raise OutOfTime
