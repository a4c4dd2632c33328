"""Absolute, relative, and since the execution began."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from steprunners.clients.monitoring.windows import Span, Window, span_of
from steprunners.errors import BadConfig

NOW = 1_767_225_600_000
BEGAN = NOW - 60_000
DAY = 86_400_000


@pytest.mark.parametrize(
    ("window", "span"),
    [
        ({}, Span(BEGAN, NOW)),
        ({"relativeTime": "15m"}, Span(NOW - 900_000, NOW)),
        ({"relativeTime": "15m", "offset": "7d"}, Span(NOW - 900_000 - 7 * DAY, NOW - 7 * DAY)),
        ({"offset": "1d"}, Span(BEGAN - DAY, NOW - DAY)),
        ({"startTime": NOW - 5, "endTime": NOW + 5}, Span(NOW - 5, NOW + 5)),
        ({"startTime": NOW - 5}, Span(NOW - 5, NOW)),
        ({"endTime": NOW - 5}, Span(BEGAN, NOW - 5)),
    ],
)
def test_spans(window: dict[str, Any], span: Span) -> None:
    assert span_of(Window.model_validate(window), began_ms=BEGAN, now_ms=NOW, place="here") == span


def test_a_clock_that_lags_behind_the_servers_gives_an_empty_span() -> None:
    assert span_of(Window(), began_ms=NOW + 7, now_ms=NOW, place="here") == Span(NOW, NOW)


@pytest.mark.parametrize(
    "window", [{"startTime": NOW, "endTime": NOW - 1}, {"startTime": NOW + 1}, {"relativeTime": "99y"}]
)
def test_impossible_spans(window: dict[str, Any]) -> None:
    with pytest.raises(BadConfig, match=r"^meta\.duration1"):
        span_of(Window.model_validate(window), began_ms=BEGAN, now_ms=NOW, place="meta.duration1")


@pytest.mark.parametrize(
    "window",
    [
        {"startTime": 1_767_225_600}, {"startTime": 1_767_225_600_000_000_000}, {"startTime": "yesterday"},
        {"relativeTime": "soon"}, {"relativeTime": "5m", "startTime": NOW}, {"offset": "5m", "endTime": NOW},
        {"offset": "-5m"}, {"until": NOW},
    ],
)  # fmt: skip
def test_wrong_windows(window: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Window.model_validate(window)
