"""Messages as users write and read them: as JSON, text, or base64 where the bytes are neither."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from steprunners.clients.decoding import json_text, parse_json, text_or_base64
from steprunners.json_types import Json
from steprunners.values.sent_text import as_text

ValueEncoding = Literal["json", "text", "base64", "null"]

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
        found, value = parse_json(self.value_bytes) if self.value_bytes else (False, None)
        if found:
            return value, "json"
        return text_or_base64(self.value_bytes)

    @cached_property
    def key(self) -> str | None:
        """The key as text, or in base64 where it is not text; None where there is no key."""
        return None if self.key_bytes is None else text_or_base64(self.key_bytes)[0]

    @cached_property
    def headers(self) -> dict[str, Json]:
        """The headers by name; a repeated name has a list of values; a value that is not UTF-8 is `{base64: …}`."""
        shown: dict[str, Json] = {}
        for name, value in self.header_items:
            read = _header_value(value)
            before = shown.get(name)
            if name not in shown:
                shown[name] = read
            else:
                shown[name] = [*before, read] if isinstance(before, list) else [before, read]
        return shown

    def to_json(self) -> dict[str, Json]:
        """Return the message as a result shows it."""
        value, encoding = self.decoded
        as_it_came = (
            {"valueText": json_text(self.value_bytes)} if encoding == "json" and self.value_bytes else {}
        )
        return {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp": self.timestamp,
            "key": self.key,
            "keyEncoding": "null" if self.key_bytes is None else text_or_base64(self.key_bytes)[1],
            "value": value,
            **as_it_came,
            "valueEncoding": encoding,
            "headers": self.headers,
        }


def _header_value(value: bytes | None) -> Json:
    if value is None:
        return None
    text, encoding = text_or_base64(value)
    return text if encoding == "text" else {"base64": text}


# --- writing --------------------------------------------------------------------------------------


def value_to_bytes(value: Json, *, is_base64: bool = False) -> bytes | None:
    """Return the bytes of a `message`: null is a tombstone, text is sent unchanged, other values as JSON.

    Raises ValueError where `is_base64` is set and the value is not base64.
    """
    if value is None:
        return None
    if is_base64:
        if not isinstance(value, str):
            raise ValueError("with messageEncoding base64 the message must be text in base64")
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ValueError(f"the message is not base64: {error}") from error
    return to_bytes(value)


def to_bytes(value: Json) -> bytes:
    """Return the bytes of text unchanged, of other values as JSON."""
    return as_text(value).encode("utf-8", "surrogatepass")


def headers_to_items(headers: dict[str, Json] | None) -> list[Header]:
    """Return the headers as they are sent: a list repeats its name, null has no value, objects are JSON."""
    return [
        (name, None if each is None else to_bytes(each))
        for name, value in (headers or {}).items()
        for each in (value if isinstance(value, list) else [value])
    ]


def key_to_bytes(key: Json) -> bytes | None:
    """Return the key as it is sent."""
    return None if key is None else to_bytes(key)
