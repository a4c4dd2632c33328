"""Searches bytes with RE2: any text can be looked through, whatever its characters are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import re2

#: Start and end of a match.
Span = tuple[int, int]


def bytes_of(text: str) -> bytes:
    """Return the text in UTF-8; single halves of a surrogate pair stay."""
    return text.encode("utf-8", "surrogatepass")


def byte_options() -> Any:
    """Return options of RE2 with which bytes are compared, so that any text can be looked through."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


#: Matches that begin inside another one are looked for while all have fewer bytes than so many times the text and some:
#: a secret may be `aaaaaa`.
_MOST_OVERLAPS, _FREE_BYTES = 4, 10_000


def matches(expression: Any, raw: bytes) -> Iterator[Span]:
    """Yield every match, also those that begin inside another: a secret may begin with the end of another one."""
    position, room = 0, _FREE_BYTES + _MOST_OVERLAPS * len(raw)
    while (match := expression.search(raw, position)) is not None:
        start, end = match.span()
        yield start, end
        room -= end - start
        position = start + 1 if room > 0 else end
