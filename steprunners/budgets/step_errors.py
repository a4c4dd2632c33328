"""Turns what `effort` raises into the error of the step."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from steprunners.budgets.effort import NobodyWaits, TooMuchWork, working
from steprunners.errors import Cancelled, StepError

P = ParamSpec("P")
R = TypeVar("R")

TOO_MUCH_WORK = "too_much_work"


def with_step_errors(work: Callable[P, R]) -> Callable[P, R]:
    """Turn TooMuchWork into StepError `too_much_work`, and NobodyWaits into Cancelled."""

    @wraps(work)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        except TooMuchWork as stopped:
            told = f"the step's patterns, schemas, conditions and references need too much work: {stopped}"
            raise StepError(told, code=TOO_MUCH_WORK) from stopped
        except NobodyWaits as stopped:
            raise Cancelled("cancelled while the result was being checked") from stopped

    return call


def as_step_work(work: Callable[P, R]) -> Callable[P, R]:
    """Do what `with_step_errors` does, and count the function as one piece of work (`effort.working`)."""

    def counted(*args: P.args, **kwargs: P.kwargs) -> R:
        with working():
            return work(*args, **kwargs)

    return with_step_errors(wraps(work)(counted))
