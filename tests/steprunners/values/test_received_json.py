"""JSON as tested systems send it."""

from __future__ import annotations

import pytest

from steprunners.values.received_json import MAX_DEPTH, NotJson, parse_received


def test_it_is_parsed() -> None:
    assert parse_received(' {"a": [1, 2.5, null]} ') == {"a": [1, 2.5, None]}
    assert parse_received("[" * MAX_DEPTH + "]" * MAX_DEPTH)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value at line 1, column 1"),
        ('{"a": 1,\n"b" 2}', "Expecting ':' delimiter at line 2, column 5"),
        ('"a\nb"', "Invalid control character at line 1, column 3"),
        ("1 2", "Extra data at line 1, column 3"),
        ("NaN", "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("1e400", "1e400 is out of range"),
        ("9" * 5_000, "a number has too many digits"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "it is nested more than 200 levels deep"),
    ],
)
def test_why_a_text_is_not_json(text: str, reason: str) -> None:
    with pytest.raises(NotJson) as caught:
        parse_received(text)
    assert str(caught.value) == reason


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_endless_nesting_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        parse_received(text)
