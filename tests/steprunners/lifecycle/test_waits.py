"""Tests of `steprunners.lifecycle.waits`: how long a retry waits (what `until` does is in test_lifecycle.py)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.documents.envelope import RetryPolicy
from steprunners.lifecycle.waits import retry_delay_ms


@pytest.mark.parametrize(
    ("policy", "number", "delay"),
    [
        ({}, 1, 1_000),
        ({}, 2, 2_000),
        ({}, 6, 30_000),
        ({"initialDelayMs": 0}, 9, 0),
        ({"initialDelayMs": 50_000}, 1, 30_000),
        ({"maxDelayMs": 0}, 1, 0),
        ({"backoffMultiplier": 1.0}, 100, 1_000),
        ({"backoffMultiplier": 1.5, "initialDelayMs": 100}, 3, 225),
        ({"backoffMultiplier": 100.0, "maxDelayMs": 86_400_000}, 10**6, 86_400_000),
        ({"backoffMultiplier": 1.0001, "maxDelayMs": 86_400_000}, 10**6, 86_400_000),
    ],
)
def test_retry_delay(policy: dict[str, Any], number: int, delay: int) -> None:
    assert retry_delay_ms(RetryPolicy.model_validate(policy), number) == delay


policies = st.builds(
    RetryPolicy,
    max_retries=st.integers(0, 100),
    initial_delay_ms=st.integers(0, 86_400_000),
    backoff_multiplier=st.floats(1, 100),
    max_delay_ms=st.integers(0, 86_400_000),
    retry_on=st.lists(st.sampled_from(["ERROR", "FAILED"]), unique=True),
)


@given(policies, st.integers(1, 100))
def test_delays_grow_and_never_exceed_the_longest(policy: RetryPolicy, number: int) -> None:
    delay, following = retry_delay_ms(policy, number), retry_delay_ms(policy, number + 1)
    assert 0 <= delay <= following <= policy.max_delay_ms


@given(policies, st.integers(1, 100))
def test_jitter_takes_at_most_half(policy: RetryPolicy, number: int) -> None:
    full = retry_delay_ms(policy, number)
    with_jitter = retry_delay_ms(policy.model_copy(update={"jitter": True}), number)
    assert full // 2 <= with_jitter <= full
