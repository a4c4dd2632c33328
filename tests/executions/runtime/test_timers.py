"""Timers publish what is due, in order of the due times, whatever order they came in."""

from __future__ import annotations

import time
import uuid

from accounts.models import Team
from executions.runtime.timers import JUST_NOW_SECONDS, MOST, Timers, _publish
from tests.executions.broker.test_chain import taken
from tests.executions.driving import begin, delay


def quiet() -> Timers:
    """Return timers whose thread is not started: the test asks for what is next itself."""
    timers = Timers()
    timers._start = lambda: None  # type: ignore[method-assign]  # a thread would take what the test looks at
    return timers


def test_the_nearest_comes_first() -> None:
    timers, ids = quiet(), [uuid.uuid4() for _ in range(3)]
    # All are due already: however long the machine rests in between, their order stays.
    for seconds, each in zip((-10, -30, -20), ids, strict=True):
        timers.add(seconds, each, 7, begin=True)
    assert [timers._next()[0][1:] for _ in ids] == [(str(ids[at]), 7, True) for at in (1, 2, 0)]


def test_nothing_comes_before_it_is_due() -> None:
    timers, began = quiet(), time.monotonic()
    timers.add(0.1, uuid.uuid4(), 0)
    timers._next()
    assert time.monotonic() - began >= 0.1


def test_it_does_not_grow_for_ever() -> None:
    timers = quiet()
    timers._heap = [(time.monotonic() + 99, "", 0, False)] * MOST
    timers.add(1, uuid.uuid4(), 0)
    assert len(timers._heap) == MOST


def test_what_fired_just_now_fires_again_when_the_database_s_clock_was_set_back() -> None:
    timers, now, recent, old = quiet(), time.monotonic(), uuid.uuid4(), uuid.uuid4()
    timers._fired.append((now - 2 * JUST_NOW_SECONDS, str(old), 1))
    timers._fired.append((now, str(recent), 2))
    timers.add(JUST_NOW_SECONDS / 100, later := uuid.uuid4(), 3)
    timers.insist()
    timers.add(0.0, new := uuid.uuid4(), 4)
    woken = {due[1]: insists for due, insists in (timers._next() for _ in range(3))}
    assert woken == {
        str(recent): True,
        str(later): True,
        str(new): False,
    }  # what came after it is none of its waits
    assert (timers._heap, timers._insisted) == ([], set())


def test_a_wait_that_is_over_is_published_without_what_follows_it(alone: None, team: Team) -> None:
    """It may wait again; a delayed beginning is the whole chain."""
    execution = begin(team, [delay("a"), delay("b")])
    taken()
    _publish(execution.pk, 0, begin=False)
    _publish(execution.pk, 0, begin=True)
    name = str(execution.pk)
    assert taken() == [([name, 0, False], 0), ([name, 0, True], 1)]
