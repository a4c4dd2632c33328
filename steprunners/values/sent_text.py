"""Values as the text in which they are signed, hashed and sent: the same bytes wherever a value is written."""

from __future__ import annotations

import re

from steprunners.json_types import Json
from steprunners.values.json_text import dumps

_HALF = re.compile("[\ud800-\udfff]")


def json_of(value: Json) -> str:
    """Return the value as JSON without spaces, as JavaScript's `JSON.stringify` writes it, with every digit.

    Letters stand as such. Only where the value has half of a surrogate pair, which UTF-8 cannot hold, all letters
    beyond ASCII are escapes. Raises ValueError for what JSON cannot hold, or what is nested too deeply.
    """
    try:
        text = dumps(value, ensure_ascii=False, compact=True)
        has_half = not text.isascii() and _HALF.search(text)
        return dumps(value, compact=True) if has_half else text
    except RecursionError as error:
        raise ValueError("the value is nested too deeply to be written as JSON") from error


def as_text(value: Json) -> str:
    """Return text unchanged, any other value as `json_of` does. Raises ValueError."""
    return value if isinstance(value, str) else json_of(value)
