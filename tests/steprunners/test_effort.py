"""How long a result is judged: as long as the step has time, and a moment in any case."""

from __future__ import annotations

import pytest

from steprunners import effort
from steprunners.effort import OutOfTime, check, working


def test_without_a_bound_nothing_happens() -> None:
    check()


def test_in_time() -> None:
    with working(60):
        check()


def test_a_late_answer_is_still_judged() -> None:
    with working(0):
        check()


def test_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "LEAST_SECONDS", -1.0)
    with working(-1), pytest.raises(OutOfTime):
        check()
    check()
