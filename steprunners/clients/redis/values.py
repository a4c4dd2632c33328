"""Converts between JSON values and the bytes that Redis stores.

Bytes that are not UTF-8 are not text. In a result such a `value` is base64, and `valueEncoding` says so. Inside lists
and objects it is `{"base64": "…"}`, which is also how a step gives bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from steprunners.clients.decoding import parse_json, text_or_base64
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.references.errors import UnsafeValue
from steprunners.references.functions import text_of

MARKER = "base64"


def to_bytes(value: Json, place: str) -> bytes:
    """Return the bytes for a value: text as UTF-8, `{"base64": …}` as its bytes, anything else as JSON.

    Raises BadConfig, naming `place`, for a value without bytes.
    """
    if value is None:
        raise BadConfig(f"{place} is null, which Redis cannot store")
    if (given := marked_bytes(value, place)) is not None:
        return given
    try:
        return text_of(value).encode()
    except UnsafeValue as error:
        raise BadConfig(f"{place}: {error}") from error
    except UnicodeEncodeError:
        raise BadConfig(
            f"{place} contains half a character (a lone surrogate), which UTF-8 cannot hold"
        ) from None


def marked_bytes(value: Json, place: str) -> bytes | None:
    """Return the bytes of `{"base64": …}`, None for any other value; raise BadConfig for invalid base64."""
    if not isinstance(value, dict) or set(value) != {MARKER}:
        return None
    try:
        return base64.b64decode(str(value[MARKER]), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadConfig(f"{place}.base64 is not valid base64") from error


def element(raw: Any) -> Json:
    """Return one element of a list or object: text, a number, null, or `{"base64": …}`."""
    if not isinstance(raw, bytes):
        return raw if isinstance(raw, int) else None
    text, encoding = text_or_base64(raw)
    return text if encoding == "text" else {MARKER: text}


def name(raw: bytes) -> str:
    """Return the name of a field as the key of a JSON object; `base64:…` where it is not text."""
    text, encoding = text_or_base64(raw)
    return text if encoding == "text" else f"{MARKER}:{text}"


def pairs(raw: list[Any]) -> dict[str, Json]:
    """Return a flat list of names and values as an object."""
    return {name(raw[index]): element(raw[index + 1]) for index in range(0, len(raw) - 1, 2)}


def parsed(text: str) -> Json:
    """Return the object or list that the text contains as JSON, else None: other JSON stays text."""
    if text[:1] not in ("{", "["):
        return None
    found, value = parse_json(text.encode("utf-8", "replace"))
    return value if found else None


def as_stored(value: Json) -> Json:
    """Return an expected value as Redis shows it: numbers and booleans as text, also inside objects and lists."""
    if isinstance(value, dict):
        return value if set(value) == {MARKER} else {key: as_stored(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_stored(each) for each in value]
    return value if value is None else text_of(value)


def flat(fields: Mapping[str, Json], place: str) -> list[bytes]:
    """Return an object as the flat list of names and values that commands take."""
    return [
        part
        for key, value in fields.items()
        for part in (to_bytes(key, place), to_bytes(value, f"{place}.{key}"))
    ]
