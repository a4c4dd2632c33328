"""One attempt and what follows: retry, until, or the end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.errors import Cancelled
from steprunners.lifecycle.attempts import Attempt, Progress
from steprunners.lifecycle.waits import next_wait
from steprunners.runner import (
    Finished,
    Outcome,
    Park,
)
from tests.steprunners.lifecycle.scripted import (
    BAD,
    GOOD,
    HOLDS,
    LOST,
    NOW,
    bench,
)


def test_a_cancelled_call_is_not_retried() -> None:
    tested = bench(Cancelled("stop"), retry={"maxRetries": 5})
    assert tested.finish().status == "CANCELLED"
    assert tested.waits == []


def test_a_new_attempt_starts_without_parked_state() -> None:
    tested = bench(Park(5, {"k": 1}), LOST, GOOD, retry={"maxRetries": 1, "initialDelayMs": 7})
    tested.finish()
    assert [context.state for context in tested.runner.contexts] == [None, {"k": 1}, None]


def test_retry_waits_grow_up_to_the_maximum() -> None:
    policy = {"maxRetries": 5, "initialDelayMs": 1_000, "backoffMultiplier": 3, "maxDelayMs": 20_000}
    tested = bench(LOST, retry=policy)
    assert tested.finish().status == "ERROR"
    assert tested.waits == [1_000, 3_000, 9_000, 20_000, 20_000]
    assert [attempt.waited_ms for attempt in tested.attempts] == [0, 1_000, 3_000, 9_000, 20_000, 20_000]


@pytest.mark.parametrize(
    ("retry_on", "outcome", "calls"),
    [
        (["ERROR", "FAILED"], LOST, 3),
        (["ERROR", "FAILED"], BAD, 3),
        (["ERROR"], LOST, 3),
        (["ERROR"], BAD, 1),
        (["FAILED"], LOST, 1),
        (["FAILED"], BAD, 3),
        ([], BAD, 1),
    ],
)
def test_retry_on_chooses_what_is_retried(
    retry_on: list[str], outcome: Outcome | Exception, calls: int
) -> None:
    policy = {"maxRetries": 2, "initialDelayMs": 1, "retryOn": retry_on}
    tested = bench(outcome, assertions=HOLDS, retry=policy)
    tested.finish()
    assert len(tested.runner.configs) == calls


def test_until_polls_until_the_assertions_hold() -> None:
    tested = bench(BAD, BAD, GOOD, assertions=HOLDS, until={"intervalMs": 300})
    assert tested.finish().status == "SUCCESS"
    assert tested.waits == [300, 300]


def test_until_backs_off() -> None:
    until = {"timeoutMs": 100_000, "intervalMs": 1_000, "backoffMultiplier": 2, "maxIntervalMs": 5_000}
    tested = bench(BAD, BAD, BAD, BAD, GOOD, assertions=HOLDS, until=until)
    tested.finish()
    assert tested.waits == [1_000, 2_000, 4_000, 5_000]


def test_until_tries_once_more_at_its_end() -> None:
    tested = bench(BAD, assertions=HOLDS, until={"timeoutMs": 2_500, "intervalMs": 1_000})
    assert tested.finish().status == "FAILED"
    assert tested.waits == [1_000, 1_000, 500]


def test_fail_if_ends_until_at_once() -> None:
    rule = [{"field": "n", "operator": "lt", "expectedValue": 0}]
    tested = bench(BAD, Finished({"n": -1}), GOOD, assertions=HOLDS, until={"failIf": rule})
    assert tested.finish().status == "FAILED"
    assert len(tested.runner.configs) == 2


def test_fail_if_does_not_fail_a_success() -> None:
    rule = [{"field": "n", "operator": "exists"}]
    assert bench(GOOD, assertions=HOLDS, until={"failIf": rule}).finish().status == "SUCCESS"


def test_fail_if_wins_over_retry() -> None:
    rule = [{"field": "n", "operator": "equals", "expectedValue": 0}]
    tested = bench(BAD, assertions=HOLDS, until={"failIf": rule}, retry={"maxRetries": 5})
    assert tested.finish().status == "FAILED"
    assert len(tested.runner.configs) == 1


def test_an_error_ends_until() -> None:
    tested = bench(BAD, LOST, GOOD, assertions=HOLDS, until={"intervalMs": 10})
    assert tested.finish().status == "ERROR"
    assert tested.waits == [10]


def test_an_error_inside_until_uses_up_a_retry() -> None:
    policy = {"maxRetries": 2, "initialDelayMs": 7, "backoffMultiplier": 2, "retryOn": ["ERROR"]}
    script: list[Any] = [LOST, BAD, LOST, BAD, LOST, GOOD]
    tested = bench(*script, assertions=HOLDS, until={"intervalMs": 100}, retry=policy)
    assert tested.finish().status == "ERROR"
    assert tested.waits == [7, 100, 14, 100]


def test_until_ignores_retry_on_failed() -> None:
    policy = {"maxRetries": 50, "initialDelayMs": 1, "retryOn": ["FAILED"]}
    until = {"timeoutMs": 250, "intervalMs": 100}
    tested = bench(BAD, assertions=HOLDS, until=until, retry=policy)
    assert tested.finish().status == "FAILED"
    assert tested.waits == [100, 100, 50]
    assert bench(LOST, assertions=HOLDS, until=until, retry=policy).finish().status == "ERROR"


def test_an_ended_step_has_no_next_wait() -> None:
    step = bench(GOOD, retry={}).work.step
    for status in ("SUCCESS", "CANCELLED"):
        assert next_wait(step, Attempt(status, NOW, NOW), Progress(), NOW) is None


@given(
    st.lists(st.sampled_from([BAD, LOST, Park(3, {})]), min_size=1, max_size=12),
    st.integers(0, 6),
    st.one_of(st.none(), st.integers(1, 400)),
)
def test_any_sequence_of_attempts_ends(script: list[Any], retries: int, timeout_ms: int | None) -> None:
    until: dict[str, Any] = (
        {} if timeout_ms is None else {"until": {"timeoutMs": timeout_ms, "intervalMs": 5}}
    )
    retry = {"maxRetries": retries, "initialDelayMs": 2, "maxDelayMs": 9}
    ended = bench(*script, LOST, assertions=HOLDS, retry=retry, **until).finish(most=400)
    assert ended.status in ("FAILED", "ERROR")
