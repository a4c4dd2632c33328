"""Tests of `telemetry.limited`."""

from __future__ import annotations

import threading

from telemetry.limited import ask_all


def test_answers_errors_and_what_hangs() -> None:
    goes_on = threading.Event()

    def fail() -> int:
        raise ValueError("no")

    def hang() -> int:
        goes_on.wait(60)
        return 2

    try:
        answers = ask_all({"slow": hang}, seconds=0.05) | ask_all(
            {"good": lambda: 1, "bad": fail}, seconds=30
        )
    finally:
        goes_on.set()
    assert (answers["good"].value, answers["good"].error) == (1, None)
    assert isinstance(answers["bad"].error, ValueError)
    assert isinstance(answers["slow"].error, TimeoutError)
    assert answers["slow"].value is None


def test_while_all_threads_hang_nothing_is_waited_for() -> None:
    goes_on = threading.Event()
    try:
        ask_all({str(number): lambda: goes_on.wait(60) for number in range(20)}, seconds=0.05)
        [answer] = ask_all({"one": lambda: True}, seconds=0.05).values()
        assert isinstance(answer.error, TimeoutError)
    finally:
        goes_on.set()
    [answer] = ask_all({"one": lambda: True}, seconds=30).values()
    assert answer.value is True
