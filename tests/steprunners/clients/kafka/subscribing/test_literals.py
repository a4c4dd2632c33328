"""Which texts a document must hold for a query: leaving a message unparsed never loses one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.kafka.messages import Message
from steprunners.clients.kafka.subscribing.literals import may_hold, required_texts
from steprunners.clients.kafka.subscribing.matching import Matcher
from steprunners.values.jsonpath import compile_jsonpath


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("$[?@.id == '42']", [b"42"]),
        ("$[?'42' == @.id && @.a.b == 'ü']", [b"42", "ü".encode()]),
        ("$.orders[?@.id == '42'].items[?@.sku == 'tea']", [b"42", b"tea"]),
        ("$[?@.id == 'a' || @.id == 'b']", []),
        ("$[?!(@.id == 'a')]", []),
        ("$[?@.id != 'a']", []),
        ("$[?@.id == 'a', ?@.id == 'b']", []),
        ("$[?@.id == 42]", []),
        ("$[?@.id == '']", []),
        ("$[?length(@.id) == 2]", []),
        ("$.id", []),
    ],
)
def test_required_texts(query: str, texts: list[bytes]) -> None:
    assert required_texts(compile_jsonpath(query)) == texts


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
documents = st.dictionaries(st.sampled_from(["id", "x", "a b"]), words | st.integers() | st.none())


@given(documents, words, st.booleans(), st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"]))
def test_what_a_query_selects_is_never_left_out(
    document: dict[str, Any], word: str, escaped: bool, encoding: str
) -> None:
    literal = json.dumps(word, ensure_ascii=False)
    query = f"$[?@.id == {literal} && @.x == @.x]"
    raw = json.dumps(document, ensure_ascii=escaped).encode(encoding)
    if compile_jsonpath(query).select([document]):
        assert may_hold(raw, required_texts(compile_jsonpath(query)))
        matcher = Matcher(pattern=("jsonpath", query), key=None, headers={})
        assert matcher.failing(Message("t", 0, 0, 0, None, raw)) == []
