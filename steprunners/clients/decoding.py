"""What bytes from another system mean: JSON, text, or neither, which is then kept in base64."""

from __future__ import annotations

import base64
import json
from typing import Literal

from steprunners.json_types import Json
from steprunners.values.received_json import NotJson, parse_received


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
    text = json_text(body)
    return (False, None) if text is None else parse_text(text)


def json_text(body: bytes) -> str | None:
    """Return the bytes as text in UTF-8, 16 or 32, without a byte order mark; None where they are in none of these."""
    try:
        return body.decode(json.detect_encoding(body))
    except ValueError:
        return None


def parse_text(text: str) -> tuple[bool, Json]:
    """Return whether the text is JSON, and its value, as `parse_json` does."""
    try:
        return True, parse_received(text)
    except NotJson:
        return False, None
