"""What bytes mean, and what is sent for a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.kafka.messages import (
    Encoding,
    Message,
    given_bytes,
    headers_to_items,
    to_bytes,
)
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from tests.steprunners.json_strategies import json_values

headers = st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.none() | st.binary(max_size=6)), max_size=4)


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
        (b"\x00\x00\x00\xff", ("AAAA/w==", "base64")),
        (b"a\x00b", ("YQBi", "base64")),
        (b"\x00\x00\x00\x35", ("AAAANQ==", "base64")),  # not the number 5 in UTF-32
        (b"\x005", ("ADU=", "base64")),  # nor in UTF-16
        (b"\xff\xfe5\x00", ("//41AA==", "base64")),
        ('{"id": 1}'.encode("utf-16"), ({"id": 1}, "json")),  # its mark says what it is
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
    if not (isinstance(value, dict) and set(value) == {"base64"}) and not isinstance(value, str | None):
        assert read(to_bytes(value)).decoded == (value, "json")
    assert read(given_bytes(value, "json", "x")).decoded == (value, "json")


def test_headers_as_they_are_sent() -> None:
    headers: dict[str, Json] = {"a": ["x", None, {"base64": "AAAA/w=="}], "b": 1, "": {"base64": ""}}
    sent = [("a", b"x"), ("a", None), ("a", b"\0\0\0\xff"), ("b", b"1"), ("", b"")]
    assert headers_to_items(headers) == sent


@pytest.mark.parametrize(
    ("value", "encoding", "sent"),
    [
        (None, "auto", None),
        ("tëxt", "auto", "tëxt".encode()),
        ("", "auto", b""),
        (42, "auto", b"42"),
        ({"base64": "AAAA/w=="}, "auto", b"\0\0\0\xff"),
        ({"base64": " AAAA\n/w==\n"}, "auto", b"\0\0\0\xff"),
        ({"base64": "AA==", "a": 1}, "auto", b'{"base64":"AA==","a":1}'),
        ({"base64": "AA=="}, "json", b'{"base64":"AA=="}'),
        ({"base64": "AA=="}, "base64", b"\0"),
        ("/wA=", "base64", b"\xff\x00"),
        ("/wA=", "text", b"/wA="),
        ("text", "json", b'"text"'),
        (None, "json", b"null"),
        (None, "null", None),
    ],
)
def test_what_is_sent(value: Json, encoding: Encoding, sent: bytes | None) -> None:
    assert given_bytes(value, encoding, "x") == sent


@pytest.mark.parametrize(
    ("value", "encoding"),
    [("not base64!", "base64"), ({"a": 1}, "base64"), ("x", "null"), ({"base64": 5}, "auto")],
)
def test_what_cannot_be_sent(value: Json, encoding: Encoding) -> None:
    with pytest.raises((ValueError, BadConfig), match=r"base64|null"):
        given_bytes(value, encoding, "x")


@given(st.none() | st.binary(max_size=12), st.none() | st.binary(max_size=12), headers)
def test_what_was_read_is_sent_as_it_came(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    shown: Any = read(value, key=key, headers=sorted(headers, key=lambda header: header[0])).to_json()
    stored = json.loads(json.dumps(shown))
    sent = given_bytes(stored["value"], stored["valueEncoding"], "x")
    if stored["valueEncoding"] == "json":  # white space may differ
        assert read(sent).decoded == read(value).decoded
    else:
        assert sent == value
    assert given_bytes(stored["key"], stored["keyEncoding"], "x") == key
    assert headers_to_items(stored["headers"]) == sorted(headers, key=lambda header: header[0])
