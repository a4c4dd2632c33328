"""Regular expressions are safe on what users write."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given

from steprunners.values.patterns import MAX_PATTERN, PatternError, compile_iregexp, compile_regex
from tests.steprunners.json_strategies import tricky_text


def test_a_regex_searches_and_matches() -> None:
    assert compile_regex(r"^ord-\d+$").search("ord-42")
    assert not compile_regex("b").fullmatch("abc")
    assert compile_regex("b").search(b"abc")


def test_a_hostile_regex_takes_linear_time() -> None:
    started = time.monotonic()
    assert not compile_regex("(a+)+$").search("a" * 5_000 + "b")
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("pattern", ["(", "(?=a)", "a{9999}", "x" * (MAX_PATTERN + 1), "\ud800"])
def test_what_re2_refuses_is_a_pattern_error(pattern: Any) -> None:
    with pytest.raises(PatternError):
        compile_regex(pattern)


def test_half_a_character_in_the_text_is_not_an_error() -> None:
    assert compile_regex("b").search("\ud800b")


@given(tricky_text, tricky_text)
def test_a_regex_raises_nothing_else(pattern: Any, text: Any) -> None:
    with contextlib.suppress(PatternError):
        compile_regex(pattern).search(text)


@pytest.mark.parametrize(
    ("pattern", "matched", "not_matched"),
    [
        (".", ["a", "\u2028", "\u2029", "\x85"], ["\r", "\n"]),
        ("a.c", ["abc"], ["a\rc", "a\nc"]),
        (r"\.", ["."], ["a", "\r"]),
        ("[.]", ["."], ["a", "\r"]),
        (r"[\]\\.]", ["]", ".", "\\"], ["a"]),
        ("[^.]", ["a", "\r"], ["."]),
        (r"\\.", ["\\x"], ["\\\r"]),
        ("." * 300, ["x" * 300], ["x" * 299 + "\r"]),
    ],
)
def test_a_dot_of_an_i_regexp_is_any_character_but_a_line_break(
    pattern: Any, matched: Any, not_matched: Any
) -> None:
    regex = compile_iregexp(pattern)
    assert all(regex.fullmatch(text) for text in matched)
    assert not any(regex.fullmatch(text) for text in not_matched)
