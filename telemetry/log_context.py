"""The context of log lines: facts that the code that does the work knows, and the code that logs does not.

It is a context variable, which asgiref carries from a request into its threads. `bound` starts a piece of work, `add`
adds what becomes known later; the formatters of `telemetry.logs` write all of it into each line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

Mask = Callable[[str], str]


@dataclass(slots=True)
class Facts:
    """The facts by their names, and what hides secrets in a line about them."""

    values: dict[str, str] = field(default_factory=dict)
    mask: Mask | None = None


_facts: ContextVar[Facts | None] = ContextVar("log_facts", default=None)


@contextmanager
def bound(**values: object) -> Iterator[None]:
    """Add these facts, and those of the surrounding blocks, to every line that is logged in the block."""
    around = _facts.get()
    known = dict(around.values) if around else {}
    known.update((name, str(value)) for name, value in values.items())
    token = _facts.set(Facts(known, around.mask if around else None))
    try:
        yield
    finally:
        _facts.reset(token)


def add(**values: object) -> None:
    """Add facts to the current block; outside of any block they are dropped."""
    facts = _facts.get()
    if facts is not None:
        facts.values.update((name, str(value)) for name, value in values.items())


def hide(mask: Mask) -> None:
    """Pass every line of the current block through `mask` from now on."""
    facts = _facts.get()
    if facts is not None:
        facts.mask = mask


def current() -> Facts:
    """Return what is known here."""
    return _facts.get() or Facts()
