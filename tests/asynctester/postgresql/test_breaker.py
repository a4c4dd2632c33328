"""Tests of `asynctester.postgresql.breaker`."""

from __future__ import annotations

import threading

import psycopg
import pytest

from asynctester.embedded.processes import wait_until
from asynctester.postgresql.breaker import Breaker


def is_open(breaker: Breaker) -> bool:
    try:
        breaker.check()
    except psycopg.OperationalError:
        return True
    return False


def test_it_is_open_until_the_database_answers(caplog: pytest.LogCaptureFixture) -> None:
    breaker, back, looks = Breaker(), threading.Event(), []

    def probe() -> bool:
        looks.append(threading.current_thread())
        return back.is_set()

    breaker.probe = probe
    assert not is_open(breaker)
    for _ in range(50):
        breaker.trip()
    assert is_open(breaker)
    assert wait_until(lambda: len(looks) > 1, within=30)
    assert len(set(looks)) == 1, "one thread looks, however many requests failed"
    back.set()
    assert wait_until(lambda: not is_open(breaker), within=30)
    assert caplog.text.count("does not answer") == 1


def test_without_a_probe_it_stays_closed() -> None:
    breaker = Breaker()
    breaker.trip()
    assert not is_open(breaker)
