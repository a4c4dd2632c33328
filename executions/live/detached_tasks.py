"""Tasks of the event loop that run to their end, even if their caller is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")

_running: set[asyncio.Task[Any]] = set()  # the event loop itself holds tasks weakly


def in_background(work: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
    """Start a task that runs to its end, even if its caller is cancelled."""
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_forget)
    return task


def _forget(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled():
        task.exception()  # marks it as retrieved; a caller that awaits the task gets it too
