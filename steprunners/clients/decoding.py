"""What bytes from another system mean: JSON, text, or neither, which is then kept in base64."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Literal

from steprunners.json_types import Json
from steprunners.values.json_text import loads

#: Deeper JSON stays text: masking, assertions and the database go down level by level.
MAX_DEPTH = 200


def text_or_base64(raw: bytes) -> tuple[str, Literal["text", "base64"]]:
    """Return the bytes as text where they are UTF-8, else in base64; and which of the two it is."""
    try:
        return raw.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode(), "base64"


def parse_json(body: bytes) -> tuple[bool, Json]:
    """Return whether the bytes are JSON (RFC 8259), not too deep, and their value.

    NaN, Infinity and numbers beyond a double are not JSON, or could not be stored: such a body stays text.
    """
    try:
        value: Json = loads(body.decode(json.detect_encoding(body)))
    except (ValueError, RecursionError):
        return False, None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and not _is_shallow(value):
        return False, None
    return True, value


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
