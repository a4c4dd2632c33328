"""The delay step parks until its time is over, whoever wakes it before."""

from __future__ import annotations

import time

import pytest
from pydantic import ValidationError

from steprunners.kinds.delay import MAX_DELAY_MS, DelayConfig, DelayRunner
from steprunners.runner import Finished, Park
from tests.steprunners.conftest import MakeContext

RUNNER = DelayRunner()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_it_works(make_context: MakeContext) -> None:
    parked = RUNNER.run(DelayConfig(delay_ms=60), make_context())
    assert isinstance(parked, Park)
    assert parked.delay_ms == 60
    time.sleep(0.07)
    finished = RUNNER.run(DelayConfig(delay_ms=60), make_context(state=parked.state))
    assert isinstance(finished, Finished)
    assert 60 <= finished.result["delayedMs"] < 60_000  # type: ignore[operator]  # an integer


def test_woken_early_it_parks_for_the_rest(make_context: MakeContext) -> None:
    parked = RUNNER.run(DelayConfig(delay_ms=100_000), make_context(state={"startedMs": now_ms() - 40_000}))
    assert isinstance(parked, Park)
    assert 30_000 < parked.delay_ms <= 60_000


def test_a_clock_that_was_set_back_does_not_shorten_it(make_context: MakeContext) -> None:
    parked = RUNNER.run(DelayConfig(delay_ms=1_000), make_context(state={"startedMs": now_ms() + 60_000}))
    assert isinstance(parked, Park)
    assert parked.delay_ms == 1_000


def test_no_delay_at_all(make_context: MakeContext) -> None:
    assert isinstance(RUNNER.run(DelayConfig(delay_ms=0), make_context()), Finished)


@pytest.mark.parametrize("delay_ms", [-1, MAX_DELAY_MS + 1, 1.5, None, "soon"])
def test_bad_delays(delay_ms: object) -> None:
    with pytest.raises(ValidationError):
        DelayConfig.model_validate({"delayMs": delay_ms})
