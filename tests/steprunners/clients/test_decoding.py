"""Bytes from other systems as JSON, text or base64."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.decoding import parse_json, text_or_base64
from steprunners.values.received_json import MAX_DEPTH


@given(st.binary(max_size=40))
def test_text_or_base64_keeps_every_byte(raw: bytes) -> None:
    text, encoding = text_or_base64(raw)
    assert (text.encode() if encoding == "text" else base64.b64decode(text)) == raw


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_json_in_every_encoding_of_unicode(encoding: str) -> None:
    assert parse_json(json.dumps({"name": "Zoë"}, ensure_ascii=False).encode(encoding)) == (
        True,
        {"name": "Zoë"},
    )


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"[Infinity]", b"1e999", b"\xff"])
def test_what_json_cannot_hold_is_not_json(body: bytes) -> None:
    assert parse_json(body) == (False, None)


@pytest.mark.parametrize(("depth", "found"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False), (100_000, False)])
def test_json_that_is_too_deep_is_not_json(depth: int, found: bool) -> None:
    assert parse_json(b"[" * depth + b"]" * depth)[0] is found
