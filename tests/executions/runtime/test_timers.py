"""Timers publish what is due, in the order of the due times, whatever order they came in."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from accounts.models import Team
from executions.broker import chain
from executions.runtime import timers as module
from executions.runtime.background_thread import BackgroundThread
from executions.runtime.timers import JUST_NOW_SECONDS, MOST, Timers, _publish
from tests.executions.broker.test_chain import taken
from tests.executions.driving import begin, delay

#: How long a test waits for a thread, in seconds.
PATIENCE_SECONDS = 30


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Timers:
    """Timers whose thread does not start: the test pops what is due itself."""
    monkeypatch.setattr(BackgroundThread, "start", lambda _self: None)
    return Timers()


def popped(timers: Timers) -> tuple[str, int, bool, bool]:
    due = timers._pop_due()
    assert due is not None
    return *due[0][1:], due[1]


def test_the_nearest_comes_first(quiet: Timers) -> None:
    ids = [uuid.uuid4() for _ in range(3)]
    # All are due already: however long the machine pauses in between, their order stays.
    for seconds, each in zip((-10, -30, -20), ids, strict=True):
        quiet.add(seconds, each, 7, begin=True)
    assert [popped(quiet)[:3] for _ in ids] == [(str(ids[at]), 7, True) for at in (1, 2, 0)]


def test_nothing_comes_before_it_is_due(quiet: Timers) -> None:
    quiet.add(60, uuid.uuid4(), 0)
    assert quiet._pop_due() is None
    left = quiet.publish_due()
    assert left is not None
    assert 30 < left <= 60


def test_the_heap_has_a_limit(quiet: Timers) -> None:
    quiet._heap = [(time.monotonic() + 99, "", 0, False)] * MOST
    quiet.add(1, uuid.uuid4(), 0)
    assert len(quiet._heap) == MOST


def test_waits_end_by_own_clock_if_the_database_s_was_set_back(quiet: Timers) -> None:
    """The waits in the heap, and those that ended just now; no wait that comes later."""
    now, recent, old = time.monotonic(), uuid.uuid4(), uuid.uuid4()
    quiet._fired.append((now - 2 * JUST_NOW_SECONDS, str(old), 1))
    quiet._fired.append((now, str(recent), 2))
    quiet.add(-1.0, known := uuid.uuid4(), 3)
    quiet.use_own_clock()
    quiet.add(0.0, new := uuid.uuid4(), 4)
    by_own_clock = {execution_id: own for execution_id, _, _, own in (popped(quiet) for _ in range(3))}
    assert by_own_clock == {str(recent): True, str(known): True, str(new): False}
    assert (quiet._heap, quiet._by_own_clock) == ([], set())


def test_a_nearer_timer_wakes_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread sleeps until a later one, and no error with a wait keeps it from the next."""
    published: list[int] = []
    done = threading.Event()

    def publish(execution_id: uuid.UUID, positions: list[int]) -> None:
        published.extend(positions)
        if positions == [2]:
            done.set()
        raise OSError("the broker is away")

    monkeypatch.setattr(chain, "publish", publish)
    timers = module.Timers()
    timers.add(PATIENCE_SECONDS * 10, uuid.uuid4(), 0)
    timers.add(0.05, uuid.uuid4(), 1)
    timers.add(0.1, uuid.uuid4(), 2)
    try:
        assert done.wait(PATIENCE_SECONDS)
    finally:
        timers._thread.stop()
        timers._thread.join(PATIENCE_SECONDS)
    assert published == [1, 2]


def test_a_wait_is_published_without_the_steps_after_it(alone: None, team: Team) -> None:
    """It may wait again; a delayed beginning is the whole chain."""
    execution = begin(team, [delay("a"), delay("b")])
    taken()
    _publish(execution.pk, 0, begin=False)
    _publish(execution.pk, 0, begin=True)
    name = str(execution.pk)
    assert taken() == [([name, 0, False], 0), ([name, 0, True], 1)]
