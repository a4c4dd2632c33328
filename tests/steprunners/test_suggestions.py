"""Nearest names."""

from __future__ import annotations

import pytest

from steprunners.suggestions import MAX_LENGTH, did_you_mean, nearest


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
def test_nearest(name, found):
    assert nearest(name, ["order_id", "base_url", "quantity"]) == found


def test_the_hint_names_them():
    assert did_you_mean("order", ["orders", "order_"]) == "; did you mean orders or order_?"
    assert did_you_mean("order", ["zzz"]) == ""


def test_a_huge_document_costs_little():
    assert nearest("key5", (f"key{number}" for number in range(10_000_000)))
