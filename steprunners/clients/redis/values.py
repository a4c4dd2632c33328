"""Converts between JSON values and the bytes that Redis stores.

In a result a `value` that is not text is base64, and `valueEncoding` says so. Inside lists and objects it is
`{"base64": "…"}`, and a name in an object `base64:…`. A step gives bytes in these forms too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steprunners.clients.binary import marked_bytes, name_bytes, shown, shown_name, text_bytes
from steprunners.clients.decoding import parse_json
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.references.errors import UnsafeValue
from steprunners.references.functions import text_of

_EXPECTED = "meta.expectedValue"


def to_bytes(value: Any, place: str) -> bytes:
    """Return the bytes for a value: text as UTF-8, `{"base64": …}` as its bytes, anything else as JSON.

    Raises BadConfig, naming `place`, for a value without bytes.
    """
    if value is None:
        raise BadConfig(f"{place} is null, which Redis cannot store")
    if (given := marked_bytes(value, place)) is not None:
        return given
    try:
        return text_bytes(text_of(value), place)
    except UnsafeValue as error:
        raise BadConfig(f"{place}: {error}") from error


def element(raw: Any) -> Json:
    """Return one element of a list or object: text, a number, null, or `{"base64": …}`."""
    if not isinstance(raw, bytes):
        return raw if isinstance(raw, int) else None
    return shown(raw)


def pairs(raw: list[Any]) -> dict[str, Json]:
    """Return a flat list of names and values as an object."""
    return {shown_name(raw[index]): element(raw[index + 1]) for index in range(0, len(raw) - 1, 2)}


def parsed(text: str) -> Json:
    """Return the object or list that the text contains as JSON, else None: other JSON stays text."""
    if text[:1] not in ("{", "["):
        return None
    found, value = parse_json(text.encode("utf-8", "replace"))
    return value if found else None


def as_stored(value: Json) -> Json:
    """Return an expected value as Redis shows it: numbers and booleans as text, bytes that are text as text.

    It looks into objects and lists too. Raises BadConfig for base64 that is not valid.
    """
    if (raw := marked_bytes(value, _EXPECTED)) is not None:
        return shown(raw)
    if isinstance(value, dict):
        return {shown_name(name_bytes(key, _EXPECTED)): as_stored(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_stored(each) for each in value]
    return value if value is None else text_of(value)


def flat(fields: Mapping[str, Json], place: str) -> list[bytes]:
    """Return an object as the flat list of names and values that commands take."""
    return [
        part
        for key, value in fields.items()
        for part in (name_bytes(key, place), to_bytes(value, f"{place}.{key}"))
    ]
