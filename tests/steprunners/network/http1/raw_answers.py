"""Answers that a test writes byte by byte, and what the http step makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steprunners.errors import DeadlineExceeded, StepError
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.target import CloseConnection, Exchange, Target

#: Gives the result of the http step for an answer; `closes`: the server then closes the connection, else it waits.
ResultOf = Callable[..., dict[str, Any]]


def result_of(
    target: Target, make_context: MakeContext, raw: bytes, *, closes: bool = False, method: str = "GET"
) -> dict[str, Any]:
    """Answer with these bytes, and return the step's result. A step that waits for its deadline fails the test."""

    def speak(exchange: Exchange) -> None:
        exchange.send(raw)
        if closes:
            raise CloseConnection
        exchange.hang()

    try:
        return run(make_context(), url=target.route("/", speak), method=method)
    except DeadlineExceeded as error:
        raise AssertionError(f"the step waited for its deadline: {raw!r}") from error


def error_of(target: Target, make_context: MakeContext, raw: bytes, **options: Any) -> StepError:
    """Answer with these bytes, and return the error with which the step ends."""
    try:
        result = result_of(target, make_context, raw, **options)
    except StepError as error:
        return error
    raise AssertionError(f"the step took it for an answer: {result}")
