"""Ask several things at once, and wait for none of them longer than a limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

# Bounded: while what hangs holds all threads, further questions are not even asked, and have no answer in time.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="limited")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """The answer to a question: its value and how long it took, or why there is none."""

    value: T | None = None
    milliseconds: int = 0
    error: BaseException | None = None


def ask_all(questions: Mapping[str, Callable[[], T]], *, seconds: float) -> dict[str, Answer[T]]:
    """Ask all at once; a question without an answer after `seconds` gets TimeoutError, and its thread is left alone."""
    asked = {name: _threads.submit(_timed, question) for name, question in questions.items()}
    wait(asked.values(), timeout=seconds)
    return {name: _answer(future) for name, future in asked.items()}


def _timed(question: Callable[[], T]) -> tuple[T, int]:
    begin = time.perf_counter()
    value = question()
    return value, round((time.perf_counter() - begin) * 1000)


def _answer(future: Future[tuple[T, int]]) -> Answer[T]:
    if not future.done():
        future.cancel()  # where it has not begun
        return Answer(error=TimeoutError("no answer in time"))
    error = future.exception()
    if error is not None:
        return Answer(error=error)
    value, milliseconds = future.result()
    return Answer(value, milliseconds)
