"""How much work there may be: processor time, expressions, and an end where nobody waits."""

from __future__ import annotations

import time

import pytest

from steprunners.budgets import effort
from steprunners.budgets.effort import (
    MAX_INSTRUCTIONS,
    Host,
    NobodyWaits,
    TooManyAtOnce,
    TooMuchWork,
    check,
    hosted,
    own,
    spend_on,
    tick,
    working,
)
from steprunners.budgets.rotation import Rotation


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def alone() -> int:
    return 1


def test_without_a_bound_nothing_happens() -> None:
    check()
    tick()
    spend_on("a", 10 * MAX_INSTRUCTIONS)
    effort.expect(100)


def test_little_work_is_let_be() -> None:
    with working(processor=60):
        check()


def test_processor_time_is_bounded() -> None:
    with working(processor=0.01):
        burn(0.02)
        with pytest.raises(TooMuchWork, match=r"more than 0\.01 s of processor time"):
            check()
    check()


def test_sleeping_is_no_work() -> None:
    with working(processor=0.05):
        time.sleep(0.1)
        check()


def test_ticks_look_now_and_then() -> None:
    def tick_often() -> None:
        for _ in range(1_000):
            tick()

    with working(processor=0.001):
        burn(0.01)
        tick()
        with pytest.raises(TooMuchWork):
            tick_often()


def test_a_host_bounds_all_its_work_together() -> None:
    def work() -> None:
        with working(processor=0.025):
            burn(0.01)
            check()

    with hosted(Host(seconds=0.025)):
        work()
        work()
        with pytest.raises(TooMuchWork):
            work()


def test_a_host_says_how_long_judging_may_be() -> None:
    with hosted(Host(judging_seconds=0.01)), working():
        burn(0.02)
        with pytest.raises(TooMuchWork):
            check()


def test_work_ends_when_nobody_waits() -> None:
    gone = False
    with hosted(Host(is_over=lambda: gone)), working():
        check()
        gone = True
        with pytest.raises(NobodyWaits):
            check()


def test_expressions_count_once_however_they_were_compiled() -> None:
    with working():
        for _ in range(3):
            spend_on("a", MAX_INSTRUCTIONS)
        with pytest.raises(TooMuchWork, match="instructions together"):
            spend_on("b", 1)
    with working():
        spend_on("b", 1)


def test_work_inside_of_work_counts_for_the_host_once() -> None:
    with hosted(Host()) as host, working(processor=1):
        with working(processor=1):
            burn(0.02)
            check()
        check()
    assert 0.02 <= host.used < 0.04


def test_long_work_takes_a_seat_and_gives_it_back() -> None:
    rotation = Rotation(alone, free_seconds=0.001, most_seats=1)
    for _ in range(2):  # the second would be refused, were the first still seated
        with hosted(Host(rotation, "a")) as host, working():
            burn(0.002)
            check()
            assert host.seat is not None


def test_more_than_there_are_seats_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steprunners.budgets.rotation.PATIENCE_SECONDS", 0.0)
    rotation = Rotation(alone, free_seconds=0.0, most_seats=1)
    rotation.seat("a", lambda: False)
    with hosted(Host(rotation)), working():
        own("a")
        burn(0.001)
        with pytest.raises(TooManyAtOnce):
            check()


def test_what_is_expected_takes_its_turn_before() -> None:
    rotation = Rotation(alone, free_seconds=0.01)
    with hosted(Host(rotation, "a")) as host, working():
        effort.expect(0.005)
        assert host.seat is None
        effort.expect(0.1)
        assert host.seat is not None
