"""Values in messages."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import given

from steprunners.masking.display import MAX_KEPT, shortened, show
from tests.steprunners.json_strategies import json_values


@given(json_values)
def test_a_short_value_is_its_json(value: Any) -> None:
    assert json.loads(show(value, 1_000_000)) == value


@given(json_values)
def test_no_value_is_longer_than_asked(value: Any) -> None:
    assert len(show(value, 20)) <= 21


def test_a_large_value_is_cut_at_once() -> None:
    started = time.monotonic()
    assert show(list(range(3_000_000)), 30) == "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9,…"
    assert time.monotonic() - started < 30  # written out first, it would be 26 MB


def test_a_value_too_deep_or_too_large_is_cut() -> None:
    value: Any = []
    for _ in range(3_000):
        value = [value]
    assert show(value).startswith("[[[[")
    assert show([1, 10**5_000]) == "[1, …"


def test_what_is_kept_is_the_value_or_its_beginning() -> None:
    assert shortened({"a": 1}) == {"a": 1}
    assert shortened("x" * 100) == "x" * 100
    cut = shortened({"a": "x" * MAX_KEPT})
    assert isinstance(cut, str)
    assert cut.startswith('{"a": "xxx')
    assert cut.endswith("…")
