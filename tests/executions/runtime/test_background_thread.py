"""A background thread runs its work again whatever it raises, wakes, stops, and starts anew in a forked child."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection

from executions.runtime.background_thread import RETRY_SECONDS, BackgroundThread, StopThread

#: How long a test waits for a thread, in seconds; and a pause that no test waits for.
PATIENCE_SECONDS, LONG = 30.0, 600.0


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def ended(thread: BackgroundThread) -> bool:
    thread.stop()
    return thread.join(PATIENCE_SECONDS)


class Work:
    """Counts its runs; each raises or returns the next of the given results, and the last one for ever."""

    def __init__(self, *results: float | Exception | None) -> None:
        self.results, self.runs = list(results), 0

    def __call__(self) -> float | None:
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        self.runs += 1
        if isinstance(result, Exception):
            raise result
        return result


def test_it_pauses_as_long_as_its_work_says() -> None:
    work, began = Work(0.1, 0.1, None), time.monotonic()
    thread = BackgroundThread("test", work)
    thread.start()
    assert until(lambda: work.runs == 3)
    assert time.monotonic() - began >= 0.2
    assert ended(thread)


def test_it_starts_once() -> None:
    work = Work(None)
    thread = BackgroundThread("test of one start", work)
    for _ in range(3):
        thread.start()
    assert until(lambda: work.runs == 1)
    assert [each.name for each in threading.enumerate()].count("test of one start") == 1
    assert ended(thread)


@pytest.mark.parametrize("pause", [None, LONG])
def test_a_wake_ends_the_pause(pause: float | None) -> None:
    work = Work(pause)
    thread = BackgroundThread("test", work)
    thread.start()
    assert until(lambda: work.runs == 1)
    thread.wake()
    assert until(lambda: work.runs == 2)
    assert ended(thread)


def test_a_wake_during_a_run_makes_one_more() -> None:
    runs: list[int] = []
    running, go_on = threading.Event(), threading.Event()

    def work() -> None:
        runs.append(1)
        running.set()
        go_on.wait(PATIENCE_SECONDS)

    thread = BackgroundThread("test", work)
    thread.start()
    assert running.wait(PATIENCE_SECONDS)
    thread.wake()
    go_on.set()
    assert until(lambda: len(runs) == 2)
    assert ended(thread)


@pytest.mark.parametrize("error", [ValueError("a bug"), OverflowError("or this"), DatabaseError("away")])
def test_it_survives_any_exception(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    work = Work(error, None)
    thread = BackgroundThread("test of errors", work, retry_seconds=0.05)
    thread.start()
    assert until(lambda: work.runs == 2)
    assert "test of errors" in caplog.text
    assert ended(thread)


def test_after_an_error_it_pauses(caplog: pytest.LogCaptureFixture) -> None:
    assert BackgroundThread("test", Work(ValueError("a bug"))).run_once() == RETRY_SECONDS
    assert BackgroundThread("test", Work(ValueError("a bug")), retry_seconds=7.0).run_once() == 7.0


@pytest.mark.parametrize(
    ("pause", "open_after"), [(0.05, True), (LONG, False), (None, False), (DatabaseError("broken"), False)]
)
def test_it_gives_its_database_connection_back(
    transactional_db: None, pause: float | Exception | None, open_after: bool
) -> None:
    """Before a long pause, and after an error that may have broken it."""
    seen: list[bool] = []

    def work() -> float | None:
        seen.append(connection.connection is not None)
        connection.ensure_connection()
        if isinstance(pause, Exception):
            raise pause
        return pause

    thread = BackgroundThread("test", work, retry_seconds=0.05)
    thread.start()
    assert until(lambda: len(seen) >= 1)
    thread.wake()
    assert until(lambda: len(seen) >= 2)
    assert seen[:2] == [False, open_after]
    assert ended(thread)


def test_work_can_end_its_own_thread() -> None:
    at_end: list[str] = []
    thread = BackgroundThread("test", Work(StopThread()), at_end=lambda: at_end.append("ended"))
    thread.start()
    assert until(lambda: at_end == ["ended"])
    assert thread.join(PATIENCE_SECONDS)


def test_a_stopped_thread_can_start_again() -> None:
    work, at_end = Work(None), list[str]()
    thread = BackgroundThread("test", work, at_end=lambda: at_end.append("ended"))
    for count in (1, 2):
        thread.start()
        assert until(lambda count=count: work.runs == count)  # type: ignore[misc]  # mypy: a default in a lambda
        assert ended(thread)
        assert len(at_end) == count


#: A thread runs in the parent; the child starts it again, and prints what it did there.
FORKING = """
import os, threading, time
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
from executions.runtime.background_thread import BackgroundThread

runs, forgotten = [], []
def work():
    runs.append(os.getpid())

thread = BackgroundThread("test", work, after_fork=lambda: (runs.clear(), forgotten.append(1)))
thread.start()
while not runs:
    time.sleep(0.01)
child = os.fork()
if child:
    _, status = os.waitpid(child, 0)
    raise SystemExit(os.waitstatus_to_exitcode(status))
assert forgotten and not runs and not thread.stopping.is_set()
thread.start()
while runs != [os.getpid()]:
    time.sleep(0.01)
os._exit(0)
"""


def test_a_forked_child_starts_its_own() -> None:
    subprocess.run([sys.executable, "-c", FORKING], check=True, timeout=PATIENCE_SECONDS)
