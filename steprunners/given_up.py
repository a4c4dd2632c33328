"""A step's work that `effort` stopped, as the step's error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from steprunners.base import Cancelled, StepError
from steprunners.effort import NobodyWaits, TooMuchWork

TOO_MUCH_WORK = "too_much_work"


@contextmanager
def as_step_error() -> Iterator[None]:
    """Raise StepError `too_much_work` for TooMuchWork, Cancelled for NobodyWaits."""
    try:
        yield
    except TooMuchWork as error:
        message = (
            f"what the step's patterns, schemas, conditions and references ask for is too much work: {error}"
        )
        raise StepError(message, code=TOO_MUCH_WORK) from error
    except NobodyWaits as error:
        raise Cancelled("cancelled while its result was judged") from error
