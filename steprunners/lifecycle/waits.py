"""When a step tries again: the waits of `retry` and `until` (contract, section 2). Pure, without a clock."""

from __future__ import annotations

import random
from dataclasses import replace

from steprunners.documents.envelope import RetryPolicy, StepEnvelope, UntilPolicy
from steprunners.lifecycle.attempts import ERROR, FAILED, Attempt, Progress


def next_wait(step: StepEnvelope, attempt: Attempt, progress: Progress, now_ms: int) -> int | None:
    """Return how many ms to wait before the next attempt, or None where the step has ended."""
    if attempt.status not in (FAILED, ERROR) or attempt.final:
        return None
    if step.until is not None and attempt.status == FAILED:
        return _poll_wait(step.until, progress, now_ms)
    if (
        step.retry is None
        or attempt.status not in step.retry.retry_on
        or progress.retries >= step.retry.max_retries
    ):
        return None
    return retry_delay_ms(step.retry, progress.retries + 1)


def retry_delay_ms(policy: RetryPolicy, number: int) -> int:
    """Return the wait before retry `number` (from 1): min(initial × multiplier^(n−1), max).

    With jitter it is 50 to 100 % of that.
    """
    factor = _power(
        policy.backoff_multiplier, number - 1, policy.max_delay_ms / max(policy.initial_delay_ms, 1)
    )
    delay = min(policy.initial_delay_ms * factor, policy.max_delay_ms)
    if policy.jitter:
        delay *= random.uniform(0.5, 1.0)  # noqa: S311  # spreads load; no security depends on it
    return round(delay)


def _power(base: float, exponent: int, ceiling: float) -> float:
    """Return base^exponent, or any number above `ceiling` where it is larger: large powers overflow a float."""
    value = 1.0
    for _ in range(exponent):
        if value > ceiling or base == 1.0:
            break
        value *= base
    return value


def _poll_wait(policy: UntilPolicy, progress: Progress, now_ms: int) -> int | None:
    left_ms = (progress.until_ends_ms or now_ms) - now_ms
    if left_ms <= 0:
        return None
    factor = _power(policy.backoff_multiplier, progress.polls, policy.max_interval_ms / policy.interval_ms)
    interval = min(policy.interval_ms * factor, max(policy.max_interval_ms, policy.interval_ms))
    return round(min(interval, left_ms))  # the last attempt is at the very end


def after_wait(step: StepEnvelope, attempt: Attempt, progress: Progress, delay_ms: int) -> Progress:
    """Return the progress of the step after the attempt and a wait of `delay_ms`."""
    polled = step.until is not None and attempt.status == FAILED
    return replace(
        progress,
        retries=progress.retries + (not polled),
        polls=progress.polls + polled,
        attempt_started_ms=None,
        waited_ms=delay_ms,
        park=None,
        child=None,
        branch=None,
        branch_failed=None,
    )
