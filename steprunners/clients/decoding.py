"""What bytes from another system mean: JSON, text, or neither, which is then kept in base64."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable
from typing import Literal, NoReturn

from steprunners.json_types import Json

#: Deeper JSON stays text: masking, assertions and the database go down level by level.
MAX_DEPTH = 200


def text_or_base64(raw: bytes) -> tuple[str, Literal["text", "base64"]]:
    """Return the bytes as text where they are UTF-8 without NUL, else in base64; and which of the two it is.

    NUL is not text: a number of two, four or eight bytes contains it (and PostgreSQL stores no text with it).
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    return (text, "text") if "\0" not in text else (base64.b64encode(raw).decode(), "base64")


def parse_json(body: bytes) -> tuple[bool, Json]:
    """Return whether the bytes are JSON (RFC 8259), not too deep, and their value.

    NaN, Infinity and numbers beyond a double are not JSON, or could not be stored: such a body stays text.
    """
    try:
        value = _decoder.decode(body.decode(json.detect_encoding(body)))
    except (ValueError, RecursionError):
        return False, None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and not _is_shallow(value):
        return False, None
    return True, value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


_decoder = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def _is_shallow(value: Json) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child for container in level for child in _members(container) if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False


def _members(container: Json) -> Iterable[Json]:
    if isinstance(container, dict):
        return container.values()
    return container if isinstance(container, list) else ()
