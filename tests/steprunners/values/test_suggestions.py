"""Nearest names."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.values.suggestions import MAX_LENGTH, did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("order_idd", ["order_id"]),
        ("ORDER_ID", ["order_id"]),
        ("zzz", []),
        ("", []),
        ("x" * (MAX_LENGTH + 1), []),
    ],
)
def test_nearest(name: Any, found: Any) -> None:
    assert nearest(name, ["order_id", "base_url", "quantity"]) == found


def test_the_hint_names_them() -> None:
    assert did_you_mean("order", ["orders", "order_"]) == "; did you mean orders or order_?"
    assert did_you_mean("order", ["zzz"]) == ""


def test_the_name_itself_is_no_hint() -> None:
    assert did_you_mean("left", ["left", "all"]) == ""
    assert did_you_mean("left", ["left", "lefts"]) == "; did you mean lefts?"


def test_a_huge_document_costs_little() -> None:
    assert nearest("key5", (f"key{number}" for number in range(10_000_000)))
