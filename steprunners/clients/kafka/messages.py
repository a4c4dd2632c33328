"""Messages as users write and read them: as JSON, text, or base64 where the bytes are neither."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from steprunners.clients.binary import base64_bytes, is_marked, marked_bytes, shown
from steprunners.clients.decoding import json_text, parse_json, text_or_base64
from steprunners.json_types import Json
from steprunners.values.sent_text import json_of

ValueEncoding = Literal["json", "text", "base64", "null"]
KeyEncoding = Literal["text", "base64", "null"]

Header = tuple[str, bytes | None]


@dataclass(frozen=True)
class Message:
    """A message of a partition; its bytes are decoded on demand."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key_bytes: bytes | None
    value_bytes: bytes | None
    header_items: Sequence[Header] = ()

    @cached_property
    def decoded(self) -> tuple[Json, ValueEncoding]:
        """The value and its encoding; a tombstone is null with the encoding `null`."""
        if self.value_bytes is None:
            return None, "null"
        text, encoding = text_or_base64(self.value_bytes)
        # Without a mark, NUL means no UTF-16 or UTF-32: the number 00 00 00 35 would be the digit 5.
        may_be_json = encoding == "text" or self.value_bytes.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
        found, value = parse_json(self.value_bytes) if may_be_json else (False, None)
        if found and (encoding == "text" or isinstance(value, dict | list)):
            return value, "json"
        return text, encoding

    @cached_property
    def decoded_key(self) -> tuple[str | None, KeyEncoding]:
        """The key as text, or in base64 where it is not text, and which of the two; None where there is no key."""
        return (None, "null") if self.key_bytes is None else text_or_base64(self.key_bytes)

    @cached_property
    def headers(self) -> dict[str, Json]:
        """The headers by name; a repeated name has a list of values; a value that is not text is `{base64: …}`."""
        found: dict[str, Json] = {}
        for name, value in self.header_items:
            read = None if value is None else shown(value)
            before = found.get(name)
            if name not in found:
                found[name] = read
            else:
                found[name] = [*before, read] if isinstance(before, list) else [before, read]
        return found

    def to_json(self) -> dict[str, Json]:
        """Return the message as a result shows it."""
        value, encoding = self.decoded
        as_it_came = (
            {"valueText": json_text(self.value_bytes)} if encoding == "json" and self.value_bytes else {}
        )
        key, key_encoding = self.decoded_key
        return {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp": self.timestamp,
            "key": key,
            "keyEncoding": key_encoding,
            "value": value,
            **as_it_came,
            "valueEncoding": encoding,
            "headers": self.headers,
        }


# --- writing --------------------------------------------------------------------------------------

#: How a value is written. `auto`: null is null, text is text, `{base64: …}` is bytes, everything else is JSON.
Encoding = Literal["auto", "json", "text", "base64", "null"]


def given_bytes(value: Json, encoding: Encoding, place: str) -> bytes | None:
    """Return the bytes of a value or key; None: it has none. The encodings are those that a result shows.

    Raises BadConfig where `{base64: …}` is not valid, and ValueError where the value does not have the encoding.
    """
    if encoding == "json":
        return _json_bytes(value)
    if value is None:
        return None
    if encoding == "null":
        raise ValueError("with the encoding null it must be null")
    if encoding == "base64" and isinstance(value, str):
        return base64_bytes(value)
    if encoding == "base64" and not is_marked(value):
        raise ValueError("with the encoding base64 it must be text in base64")
    return to_bytes(value, place)


def to_bytes(value: Json, place: str = "") -> bytes:
    """Return the bytes of text unchanged, of `{base64: …}` decoded, and of other values as JSON. Raises BadConfig."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    marked = marked_bytes(value, place)
    return _json_bytes(value) if marked is None else marked


def _json_bytes(value: Json) -> bytes:
    return json_of(value).encode()


def headers_to_items(headers: dict[str, Json] | None) -> list[Header]:
    """Return the headers as they are sent: a list repeats its name, null has no value, others as in `to_bytes`."""
    return [
        (name, None if each is None else to_bytes(each, f"meta.headers.{name}"))
        for name, value in (headers or {}).items()
        for each in (value if isinstance(value, list) else [value])
    ]
