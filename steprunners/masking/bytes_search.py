"""Searches bytes with RE2, so that every text can be searched, whatever its characters are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import re2

#: Start and end of a match.
Span = tuple[int, int]


def bytes_of(text: str) -> bytes:
    """Return the text in UTF-8; lone surrogates are kept."""
    return text.encode("utf-8", "surrogatepass")


def byte_options() -> Any:
    """Return the options with which RE2 compares bytes, so that every text can be searched."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


#: Limits the search for matches that begin inside another match: a secret may be `aaaaaa`. It stops when all matches
#: together have more than _FREE_BYTES and _MOST_OVERLAPS times the bytes of the text.
_MOST_OVERLAPS, _FREE_BYTES = 4, 10_000


def matches(expression: Any, raw: bytes) -> Iterator[Span]:
    """Yield every match, also those inside another match: a secret may begin with the end of another secret."""
    position, room = 0, _FREE_BYTES + _MOST_OVERLAPS * len(raw)
    while (match := expression.search(raw, position)) is not None:
        start, end = match.span()
        yield start, end
        room -= end - start
        position = start + 1 if room > 0 else end
