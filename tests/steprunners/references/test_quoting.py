"""Values inside texts with a grammar: a value never leaves its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.references.errors import UnsafeValue
from steprunners.references.quoting import (
    header_text,
    jsonpath_literal,
    jsonpath_text,
    label_literal,
    label_text,
    regex_text,
)
from steprunners.values.jsonpath import compile_jsonpath
from steprunners.values.patterns import compile_regex
from tests.steprunners.json_strategies import scalars, tricky_text

utf8_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | tricky_text.filter(
    lambda text: not any("\ud800" <= character <= "\udfff" for character in text)
)


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0b", ["\n"]])
def test_a_header_refuses_what_would_start_another(value: Any) -> None:
    if isinstance(value, list):  # as JSON the line break is written \n
        assert header_text(value) == '["\\n"]'
        return
    with pytest.raises(UnsafeValue):
        header_text(value)


def test_a_header_takes_any_other_value() -> None:
    assert [header_text(each) for each in (5, True, None, "ü")] == ["5", "true", "null", "ü"]


@given(utf8_text)
def test_a_regex_matches_just_the_value(text: Any) -> None:
    assert compile_regex("^" + regex_text(text) + "$").fullmatch(text)


@given(scalars)
def test_a_jsonpath_literal_selects_just_that_value(value: Any) -> None:
    if isinstance(value, str) and (
        len(value) > 200 or any("\ud800" <= character <= "\udfff" for character in value)
    ):
        return
    others = [None, True, False, 0, 1, "", "a", "' || true", 0.5]
    query = compile_jsonpath("$[?@.id == " + jsonpath_literal(value) + "]")
    selected: Any = query.select([{"id": each} for each in (value, *others)])
    assert {"id": value} in selected
    assert all(
        each["id"] == value and isinstance(each["id"], bool) == isinstance(value, bool) for each in selected
    )


@pytest.mark.parametrize("quote", ["'", '"'])
@given(text=utf8_text)
def test_inside_quotes_a_jsonpath_selects_just_that_text(quote: Any, text: Any) -> None:
    before = f"$[?@.id == {quote}"
    query = compile_jsonpath(before + jsonpath_text(text, before) + f"{quote}]")
    assert query.select([{"id": text}, {"id": text + "x"}, {"other": 1}]) == [{"id": text}]


@pytest.mark.parametrize("value", [{}, [1], float("inf"), float("nan")])
def test_what_has_no_literal_in_jsonpath(value: Any) -> None:
    with pytest.raises(UnsafeValue):
        jsonpath_literal(value)


@given(utf8_text)
def test_a_label_value_never_ends_its_quotes(text: Any) -> None:
    for quote in ('"', "'"):
        before = "{a=" + quote
        assert _closing(before + label_text(text, before) + quote, quote) == "last"
    assert label_literal(text)[1:-1] == label_text(text, '{a="')


def _closing(query: str, quote: str) -> str:
    """Read the query as Go does: say where the quote that was opened first is closed."""
    position = query.index(quote) + 1
    while query[position] != quote:
        assert query[position] >= " ", "a raw control character inside quotes"
        position += 2 if query[position] == "\\" else 1
    return "last" if position == len(query) - 1 else "earlier"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x7E)))
def test_go_escapes_read_back(text: Any) -> None:
    assert json.loads(label_literal(text)) == text


@pytest.mark.parametrize("value", [5, 2.5, -3, 1e-07, "15m", "http_requests_total", "job:rate5m", True])
def test_outside_quotes_numbers_durations_and_identifiers_stand_as_they_are(value: Any) -> None:
    assert label_text(value, "rate(x[").strip('"') == str(value).lower()


@pytest.mark.parametrize("value", ['a"} or {b="', "a b", "", "a,b", "é", [1], "1 or vector(1)"])
def test_outside_quotes_nothing_else_is_put_in(value: Any) -> None:
    with pytest.raises(UnsafeValue):
        label_text(value, "rate(")


@pytest.mark.parametrize(
    ("before", "quoted"),
    [
        ('{a="', True),
        ('{a="x", b="', True),
        ('{a="x"', False),
        ('{a="\\"', True),
        ("{a=`\\`", False),
        ('{a=`"', True),
        ("# it's a comment\n{a=", False),
        ("# it's a comment ", False),
        ("{a='", True),
    ],
)
def test_quotes_are_seen(before: Any, quoted: Any) -> None:
    if quoted:
        assert label_text("a b", before) == "a b"
    else:
        with pytest.raises(UnsafeValue):
            label_text("a b", before)


def test_backticks_take_anything_but_backticks() -> None:
    assert label_text('a"\\', "{a=`") == 'a"\\'
    with pytest.raises(UnsafeValue):
        label_text("a`", "{a=`")
