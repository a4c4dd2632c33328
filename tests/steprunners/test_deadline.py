"""Deadlines count down and never go below zero; a cancel closes every open call."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import Cancelled, DeadlineExceeded

PATIENCE = 30  # seconds


class TestDeadline:
    @given(st.floats(-1e6, 0))
    def test_that_is_over_leaves_nothing(self, seconds: float) -> None:
        assert Deadline(seconds).remaining() == 0.0
        with pytest.raises(DeadlineExceeded):
            Deadline(seconds).check()

    @given(st.floats(3_600, 1e6))
    def test_that_is_to_come_leaves_no_more_than_it_gave(self, seconds: float) -> None:
        deadline = Deadline(seconds)
        deadline.check()
        assert seconds - 3_000 < deadline.remaining() <= seconds

    def test_it_says_how_long_it_was(self) -> None:
        deadline = Deadline(1.5)
        deadline.at = 0
        with pytest.raises(DeadlineExceeded, match="not finished within 1500 ms"):
            deadline.check()


class TestCancellation:
    def test_it_ends_what_is_open_once_and_nothing_that_was_closed(self) -> None:
        cancellation, ended = Cancellation(), list[str]()
        with cancellation.closing(lambda: ended.append("outer")):
            with cancellation.closing(lambda: ended.append("closed before")):
                pass
            with cancellation.closing(lambda: ended.append("inner")):
                cancellation.cancel()
        assert ended == ["outer", "inner"]

    def test_it_ends_at_once_what_is_opened_later(self) -> None:
        cancellation, ended = Cancellation(), list[str]()
        cancellation.cancel()
        with cancellation.closing(lambda: ended.append("late")):
            assert ended == ["late"]
        with pytest.raises(Cancelled):
            cancellation.check()

    def test_one_that_cannot_be_closed_does_not_keep_the_others_open(self) -> None:
        cancellation, ended = Cancellation(), list[str]()

        def broken() -> None:
            raise OSError("closed already")

        with cancellation.closing(broken), cancellation.closing(lambda: ended.append("second")):
            cancellation.cancel()
        assert ended == ["second"]

    def test_a_sleeper_wakes_up(self) -> None:
        cancellation, woken = Cancellation(), list[bool]()
        sleeper = threading.Thread(target=lambda: woken.append(cancellation.wait(10 * PATIENCE)))
        sleeper.start()
        cancellation.cancel()
        sleeper.join(PATIENCE)
        assert woken == [True]

    def test_nothing_happens_before(self) -> None:
        cancellation = Cancellation()
        cancellation.check()
        assert not cancellation.is_cancelled
        assert not cancellation.wait(0)
