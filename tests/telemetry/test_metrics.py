"""Tests of `telemetry.metrics`."""

from __future__ import annotations

import time

import pytest

from telemetry import metrics
from tests.counted import counted


def test_an_ended_step_is_counted_and_timed() -> None:
    metrics.step_ended("test-type", "SUCCESS", 40)
    metrics.step_ended("test-type", "SUCCESS", 60)
    metrics.step_ended("test-type", "SKIPPED", None)
    assert counted("steps_ended_total", step_type="test-type", status="SUCCESS") == 2
    assert counted("steps_ended_total", step_type="test-type", status="SKIPPED") == 1
    assert counted("step_duration_seconds_sum", step_type="test-type") == pytest.approx(0.1)
    assert counted("step_duration_seconds_bucket", step_type="test-type", le="0.05") == 1


def test_a_claim_before_its_time_is_not_late() -> None:
    before, sum_before = (
        counted("queue_delay_seconds_count"),
        counted("queue_delay_seconds_sum"),
    )
    metrics.step_claimed(-3.0)
    assert counted("queue_delay_seconds_count") == before + 1
    assert counted("queue_delay_seconds_sum") == sum_before


def test_made_up_methods_make_no_series() -> None:
    metrics.request_answered("BREW", "test-route", 405, 0.1)
    metrics.request_answered("PROPFIND", "test-route", 405, 0.1)
    assert counted("http_requests_total", method="other", route="test-route", status="405") == 2


def test_what_cannot_be_counted_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Full:
        def labels(self, *_: str) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(metrics, "SWEEPER_ACTIONS", Full())
    monkeypatch.setattr(metrics, "_told", set())
    metrics.sweeper_did("take_back")
    metrics.sweeper_did("take_back")
    assert [record.getMessage() for record in caplog.records] == ["sweeper_did is not counted"]


def test_counting_costs_little() -> None:
    """A step may pay 20 µs; measured 7. The thread's own processor time, so that a busy machine says nothing."""

    def cost() -> float:
        begin = time.thread_time()
        for _ in range(500):
            metrics.step_ended("cost", "SUCCESS", 40)
            metrics.step_claimed(0.01)
        return (time.thread_time() - begin) / 500

    assert min(cost() for _ in range(20)) < 100e-6
