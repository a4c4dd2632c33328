"""Bytes as JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.decoding import text_or_base64
from steprunners.clients.redis.values import as_stored, element, flat, pairs, parsed, to_bytes
from steprunners.errors import BadConfig
from tests.steprunners.json_strategies import json_values


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("", b""), ("tea", b"tea"), ("ü😀", "ü😀".encode()), (5, b"5"), (1.5, b"1.5"), (True, b"true"),
        (2**70, b"%d" % 2**70),
        ({"a": [1, None]}, b'{"a":[1,null]}'), ([], b"[]"), ({"base64": "gP8="}, b"\x80\xff"),
        ({"base64": "x", "b": 1}, b'{"base64":"x","b":1}'),
    ],
)  # fmt: skip
def test_what_is_sent(value: Any, sent: bytes) -> None:
    assert to_bytes(value, "meta.value") == sent


@pytest.mark.parametrize("value", [None, "\ud800", {"base64": "§"}, {"base64": 5}, {"base64": "abc"}])
def test_what_cannot_be_sent(value: Any) -> None:
    with pytest.raises(BadConfig, match=r"^meta\.value"):
        to_bytes(value, "meta.value")


@given(st.binary(max_size=40))
def test_any_bytes_come_back(raw: bytes) -> None:
    text, encoding = text_or_base64(raw)
    assert to_bytes(text if encoding == "text" else {"base64": text}, "x") == raw
    assert to_bytes(json.loads(json.dumps(element(raw))), "x") == raw


@given(st.dictionaries(st.binary(max_size=12), st.binary(max_size=12), max_size=4))
def test_any_names_and_values_come_back(stored: dict[bytes, bytes]) -> None:
    raw = [part for pair in stored.items() for part in pair]
    shown = json.loads(json.dumps(pairs(raw)))
    assert flat(shown, "x") == raw
    assert as_stored(shown) == shown


@given(json_values)
def test_objects_and_lists_are_read_back(value: Any) -> None:
    try:
        text = to_bytes(value, "x").decode(errors="replace")
    except BadConfig:
        return  # null, half a character, or what only looks like base64
    if isinstance(value, dict | list) and not (isinstance(value, dict) and set(value) == {"base64"}):
        assert parsed(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["42", '"x"', "true", "null", "", "{", "[1,", "{'a': 1}", "NaN", "[" * 5_000]
)
def test_other_text_stays_text(text: str) -> None:
    assert parsed(text) is None


def test_expected_values_as_redis_shows_them() -> None:
    expected: dict[str, Any] = {
        "a": 1,
        "b": [True, None, {"base64": "gA=="}, {"base64": "dGVh"}],
        "base64:dGVh": 2,
    }
    assert as_stored(expected) == {"a": "1", "b": ["true", None, {"base64": "gA=="}, "tea"], "tea": "2"}
