"""Entries that steps share."""

from __future__ import annotations

from typing import Any

from steprunners.values.sessions import MOST_CHARACTERS, MOST_ENTRIES, merged


def entry(at: int, **fields: Any) -> dict[str, Any]:
    return {"at": at, **fields}


def test_the_last_change_of_each_entry_wins_in_any_order() -> None:
    first = {"a": entry(1, cookie="old"), "b": entry(2, cookie="b")}
    second = {"a": entry(3), "c": entry(1, cookie="c")}
    expected = {"a": entry(3), "b": entry(2, cookie="b"), "c": entry(1, cookie="c")}
    assert merged([first, second]) == merged([second, first]) == expected
    assert merged([]) == {}


def test_beyond_the_limits_the_oldest_changes_are_forgotten() -> None:
    many = merged([{str(at): entry(at) for at in range(MOST_ENTRIES + 5)}])
    assert len(many) == MOST_ENTRIES
    assert min(each["at"] for each in many.values()) == 5
    half = "x" * (MOST_CHARACTERS // 2)
    assert set(merged([{name: entry(at, cookie=half) for at, name in enumerate("abc")}])) == {"c"}
