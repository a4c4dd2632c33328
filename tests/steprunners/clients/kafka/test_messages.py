"""What bytes mean, and what is sent for a value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from steprunners.clients.kafka.messages import Message, headers_to_items, key_to_bytes, value_to_bytes
from steprunners.json_types import Json
from tests.steprunners.json_strategies import json_values


def read(value: bytes | None, **fields: Any) -> Message:
    return Message("t", 0, 7, 1_700_000_000_000, fields.get("key"), value, fields.get("headers", ()))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'{"id": 1}', ({"id": 1}, "json")),
        (b"null", (None, "json")),
        (None, (None, "null")),
        (b"", ("", "text")),
        (b"plain", ("plain", "text")),
        (b"{broken", ("{broken", "text")),
        (b"\xff\x00", ("/wA=", "base64")),
        (b'{"n": NaN}', ('{"n": NaN}', "text")),
    ],
)
def test_values(value: bytes | None, expected: tuple[Json, str]) -> None:
    assert read(value).decoded == expected


def test_a_message_as_it_is_shown() -> None:
    headers = [("a", b"1"), ("a", None), ("b", b"\xff")]
    assert read(b"x", key=b"k\xff", headers=headers).to_json() == {
        "topic": "t",
        "partition": 0,
        "offset": 7,
        "timestamp": 1_700_000_000_000,
        "key": "a/8=",
        "keyEncoding": "base64",
        "value": "x",
        "valueEncoding": "text",
        "headers": {"a": ["1", None], "b": {"base64": "/w=="}},
    }


def test_a_parsed_value_has_its_text_beside_it() -> None:
    shown = read('\ufeff{"b": 1.0,  "a": "\\u00e4"}'.encode()).to_json()
    assert (shown["value"], shown["valueText"]) == ({"b": 1.0, "a": "ä"}, '{"b": 1.0,  "a": "\\u00e4"}')
    assert "valueText" not in read(b"plain").to_json()
    assert "valueText" not in read(None).to_json()


@given(json_values)
def test_what_is_sent_as_json_is_read_as_it_was(value: Json) -> None:
    if value is not None and not isinstance(value, str):
        assert read(value_to_bytes(value)).decoded == (value, "json")


def test_what_is_sent() -> None:
    assert value_to_bytes(None) is None
    assert value_to_bytes("tëxt") == "tëxt".encode()
    assert value_to_bytes("/wA=", is_base64=True) == b"\xff\x00"
    assert key_to_bytes(42) == b"42"
    assert headers_to_items({"a": ["x", None], "b": 1}) == [("a", b"x"), ("a", None), ("b", b"1")]


@pytest.mark.parametrize("wrong", ["not base64!", {"a": 1}])
def test_base64_that_is_none(wrong: Json) -> None:
    with pytest.raises(ValueError, match="base64"):
        value_to_bytes(wrong, is_base64=True)
