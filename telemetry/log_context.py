"""What a log line is about: facts that whoever does the work knows, and whoever logs does not.

Kept in a context variable, which asgiref carries from a request into its threads. `bound` begins a piece of work,
`add` tells what is learned in the middle of it; the formatters of `telemetry.logs` put all of it into each line.
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
    """Put these facts, beside those around them, into every line that is logged in the block."""
    around = _facts.get()
    known = dict(around.values) if around else {}
    known.update((name, str(value)) for name, value in values.items())
    token = _facts.set(Facts(known, around.mask if around else None))
    try:
        yield
    finally:
        _facts.reset(token)


def add(**values: object) -> None:
    """Add facts to the block around; outside of any they are forgotten."""
    facts = _facts.get()
    if facts is not None:
        facts.values.update((name, str(value)) for name, value in values.items())


def hide(mask: Mask) -> None:
    """Pass every line of the block around through `mask` from now on."""
    facts = _facts.get()
    if facts is not None:
        facts.mask = mask


def current() -> Facts:
    """Return what is known here."""
    return _facts.get() or Facts()
