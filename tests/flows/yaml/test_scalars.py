"""What a plain scalar means."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flows.yaml.scalars import NotJSON, needs_quotes, read_plain


@given(st.integers() | st.booleans() | st.none())
def test_json_literals_are_what_json_says(value: Any) -> None:
    text = json.dumps(value)

    assert read_plain(text) == value
    assert type(read_plain(text)) is type(value)
    assert needs_quotes(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_read_exactly(value: float) -> None:
    assert read_plain(repr(value)) == value


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".nan", "1e999", "9" * 5_000])
def test_numbers_that_json_does_not_have(text: str) -> None:
    with pytest.raises(NotJSON):
        read_plain(text)


@given(st.text(max_size=10))
def test_what_needs_no_quotes_is_text(text: str) -> None:
    if not needs_quotes(text):
        assert read_plain(text) == text


@pytest.mark.parametrize(
    "text", ["yes", "No", "on", "OFF", "y", "2024-01-01", "1:30", "0o17", "0b1", "1_000", "00", "-01"]
)
def test_yaml_1_1_has_another_opinion(text: str) -> None:
    assert read_plain(text) == text


def test_the_first_version_of_yaml_is_not_asked() -> None:
    assert yaml.safe_load("on") is True  # what this module is for
    assert read_plain("on") == "on"
