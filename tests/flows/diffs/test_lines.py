"""Unified diffs are `difflib`'s, and end soon where those do not."""

from __future__ import annotations

import difflib

import pytest

from flows.diffs import lines as line_diff
from flows.diffs.lines import unified_diff


def lines(text: str) -> list[str]:
    return [f"{each}\n" for each in text]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("abc", "abc"),
        ("", "abc"),
        ("abc", ""),
        ("abcdefghijklmnop", "abcdefgXhijklmnop"),
        ("abcdefghijklmnop", "Xabcdefghijklmnop"),
        ("abcdefghijklmnop", "abcdefghijklmnoX"),
        ("abcdefghijklmnopqrstuvwxyz", "abXdefghijklmnopqrstuvwYz"),
    ],
)
def test_it_is_what_difflib_says(old: str, new: str) -> None:
    expected = "".join(difflib.unified_diff(lines(old), lines(new), "a", "b"))
    assert unified_diff(lines(old), lines(new), "a", "b") == expected


def test_what_is_too_different_counts_as_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_diff, "MAX_PAIRS", 3)
    shown = unified_diff(lines("aXcYz"), lines("aPcQz"), "a", "b")
    assert shown.splitlines()[2:] == ["@@ -1,5 +1,5 @@", " a", "-X", "-c", "-Y", "+P", "+c", "+Q", " z"]
