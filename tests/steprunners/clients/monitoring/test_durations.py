"""Durations as PromQL and LogQL write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.monitoring.durations import duration_ms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 30_000), ("15m", 900_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("500ms", 500),
        ("1w", 604_800_000), ("1y", 31_536_000_000), ("1m500ms", 60_500), (" 5m ", 300_000),
    ],
)  # fmt: skip
def test_known(text: str, expected: int) -> None:
    assert duration_ms(text) == expected


@pytest.mark.parametrize(
    "text", ["", "s", "15", "-5m", "5 m", "5m1h", "1.5h", "5M", "٣m", "0s", "101y", "9" * 13 + "s", "5m\n6m"]
)
def test_others_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration_ms(text)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert duration_ms(text) > 0
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either outcome is right, as long as it is one of these
