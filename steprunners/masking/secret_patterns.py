"""The compiled patterns that find secrets in a text and in each of its views; compiled once in each process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from steprunners.masking import spellings
from steprunners.masking.bytes_search import Span, byte_options
from steprunners.masking.text_views import BASE64, CHARACTERS, HEX

_MAX_MEMORY = 256 * 1024 * 1024
#: The most bytes of expressions (RE2 holds the GIL while it compiles them). Secrets beyond it are searched for in their
#: usual spellings only.
_MOST_BYTES = 300_000

#: The newest secrets, fewer than this, have their own expression, which is compiled again with each new secret.
_NEWEST = 8


def portions(secrets: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Split the secrets so that one more secret makes few expressions compile again: 21 are 16 and 5."""
    start, size = 0, 1 << max(len(secrets).bit_length() - 1, 0)
    while size >= _NEWEST:
        if len(secrets) - start >= size:
            yield secrets[start : start + size]
            start += size
        size //= 2
    if start < len(secrets):
        yield secrets[start:]


@dataclass(frozen=True)
class Literals:
    """Texts that are searched for one by one: RE2 is slow with very many long texts that resemble the searched one."""

    texts: set[bytes]

    def search(self, raw: bytes) -> bool | None:
        """Return True where the text contains one of them, else None."""
        return any(text in raw for text in self.texts) or None

    def spans(self, raw: bytes) -> Iterator[Span]:
        """Yield their places."""
        for text in self.texts:
            start = raw.find(text)
            while start >= 0:
                yield start, start + len(text)
                start = raw.find(text, start + 1)


@dataclass(frozen=True)
class Patterns:
    """The expressions that find some secrets in a text, and in each of its views."""

    as_text: Any
    usual: Literals
    in_views: tuple[Any, ...]


VIEWS = (BASE64, HEX, CHARACTERS)
_LITERALS = (spellings.in_base64, spellings.in_hex)


@lru_cache(maxsize=256)
def patterns_of(secrets: tuple[str, ...]) -> Patterns:
    """Return the expressions that find these secrets, in as many spellings as there is room for."""
    as_text: set[bytes] = set()
    usual_texts: set[bytes] = set()
    literals: list[set[bytes]] = [set() for _ in _LITERALS]
    room = _MOST_BYTES
    # The short secrets come first, in all spellings while there is room.
    for part in sorted((piece for secret in secrets for piece in spellings.pieces(secret)), key=len):
        room -= spellings.weight(part)
        usual = room < 0
        if usual:
            usual_texts.update(spellings.as_usual_text(part))
        else:
            as_text.update(spellings.as_text(part))
        for found, texts in zip(literals, _LITERALS, strict=True):
            found.update(re.escape(text) for text in texts(part, usual=usual))
    whole = _compiled(as_text)
    return Patterns(whole, Literals(usual_texts), (*(_compiled(texts) for texts in literals), whole))


#: An expression that finds nothing.
_NOTHING = rb"[^\x00-\xff]"


def _compiled(forms: set[bytes]) -> Any:
    whole = b"(?:" + b"|".join(sorted(forms)) + b")" if forms else _NOTHING
    options = byte_options()
    options.longest_match = True
    options.max_mem = _MAX_MEMORY
    try:
        return re2.compile(whole, options)
    except re2.error:
        return re.compile(whole)  # more than RE2 takes; the expression is safe for a backtracking engine too
