"""Tests of `asynctester.api.strict_json`."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError, ValidationError

from asynctester.api.strict_json import MAX_DEPTH, loads

STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STORABLE,
    lambda inner: st.lists(inner) | st.dictionaries(STORABLE, inner),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_every_storable_document_comes_back_as_it_was(document: Any) -> None:
    assert loads(json.dumps(document).encode()) == document


@given(st.binary())
def test_any_bytes_give_a_value_or_a_client_error(body: bytes) -> None:
    with contextlib.suppress(ParseError, ValidationError):  # anything else would fail the test
        json.dumps(loads(body)).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"1e999",
        b"-1e999",
        b"9" * 5000,
        b'"\xff"',
        b"[" * 100_000,
        b"[" * 500 + b"]" * 500,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: body[:12].decode(errors="replace"),
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError):
        loads(body)


def test_nesting_up_to_the_limit_is_taken() -> None:
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(ParseError, match="nested deeper"):
        loads(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (rb'{"name": "a\u0000b"}', "name"),
        (rb'{"steps": [{}, {"meta": {"url": "\u0000"}}]}', "steps.1.meta.url"),
        (rb'{"a": {"k\u0000": 1}}', r"a.k\u0000"),
        (rb'{"a": ["\ud800"]}', "a.0"),
        (rb'{"\udfff": 1}', r"\udfff"),
    ],
)
def test_unstorable_text_is_refused_at_its_place(body: bytes, place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        loads(body)
    assert isinstance(caught.value.detail, dict)
    assert list(caught.value.detail) == [place]


def test_a_surrogate_pair_is_one_character() -> None:
    assert loads(rb'"\ud83d\ude00"') == "\N{GRINNING FACE}"


def test_other_encodings_are_read_as_declared() -> None:
    assert loads('{"a": "ü"}'.encode("utf-16"), "utf-16") == {"a": "ü"}
