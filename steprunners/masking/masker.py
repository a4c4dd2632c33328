"""Takes secrets out of what is stored and shown (contract, section 9).

`spellings` says in which forms a secret is found. Most values hold no secret, so the whole is searched once as JSON
text before anything is walked through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from steprunners.json_types import Json
from steprunners.masking import spellings
from steprunners.masking.credentials import MASK, mask_credentials, names_credentials, without_credentials
from steprunners.masking.spellings import MIN_LENGTH
from steprunners.masking.text_views import BASE64, CHARACTERS, HEX, Places

_Key = str | int
_Span = tuple[int, int]
_encode = json.JSONEncoder(ensure_ascii=False).encode

_FEW, _DEEP = 8, 10
_MAX_MEMORY = 256 * 1024 * 1024
#: Beyond so many bytes of expressions (RE2 holds the GIL while it compiles them) secrets are looked for in their usual
#: spellings alone.
_MOST_BYTES = 300_000


def texts_of(value: Json) -> list[str]:
    """Return the texts inside a JSON value (a secret can be an object); numbers as they are written."""
    if isinstance(value, dict):
        return [text for child in value.values() for text in texts_of(child)]
    if isinstance(value, list):
        return [text for child in value for text in texts_of(child)]
    if isinstance(value, float) and value.is_integer():
        return [str(value), str(int(value))]
    return [] if value is None or isinstance(value, bool) else [str(value)]


class Masker:
    """Masks texts that hold one of the secrets; nothing that it is given makes it raise."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Keep the secrets that are long enough; the expressions for them are made once a process.

        Give the secrets of an execution in the order in which they were found: the expressions for the older ones last.
        """
        ordered = sorted(secrets) if isinstance(secrets, set | frozenset) else secrets
        kept = tuple(dict.fromkeys(each for each in ordered if len(each) >= MIN_LENGTH))
        self._expressions = [_expression_of(portion) for portion in _portions(kept)]

    def mask(self, value: Json) -> Json:
        """Return `value` with secrets, and the headers that carry credentials, masked.

        The very same object comes back where there was nothing to mask.
        """
        if value is None or (not self._expressions and not isinstance(value, (dict, list))):
            return value
        try:
            text = _encode(value)
            if self.finds(text):
                masked = self._masked(value)
                return value if masked == value else masked
            return without_credentials(value) if names_credentials(text) else value
        except (RecursionError, ValueError, TypeError):
            return MASK  # too deep to look through, so nothing of it may be shown

    def mask_text(self, text: str) -> str:
        """Return `text` with secrets masked."""
        if not self._expressions:
            return text
        raw = _bytes_of(text)
        spans = _merged(self._spans(raw))
        if not spans:
            return text
        ends = [0, *(end for _, end in spans)]
        starts = [*(start for start, _ in spans), len(raw)]
        kept = [raw[end:start] for end, start in zip(ends, starts, strict=True)]
        return MASK.encode().join(kept).decode("utf-8", "surrogatepass")

    def finds(self, text: str) -> bool:
        """Return whether the text holds one of the secrets."""
        if not self._expressions:
            return False
        raw = _bytes_of(text)
        if self._any(raw):
            return True
        return next(self._rewritten_spans(raw), None) is not None

    def _spans(self, raw: bytes) -> Iterator[_Span]:
        """Yield where secrets stand in the text, in any order."""
        for each in self._expressions:
            yield from _matches(each.as_text, raw)
            yield from each.usual.spans(raw)
        yield from self._rewritten_spans(raw)

    def _rewritten_spans(self, raw: bytes) -> Iterator[_Span]:
        """Yield where secrets stand that are found only once the text is written otherwise."""
        hosts = [(host.span(), _decoded(host[0])) for host in _ENCODED_HOST.finditer(raw)]
        if hosts and self._any(b"\n".join(decoded for _, decoded in hosts)):
            yield from (span for span, decoded in hosts if self._any(decoded))
        for number, view in enumerate(_VIEWS):
            rewritten = view.rewrite(raw)
            found = [each.in_views[number] for each in self._expressions]
            if any(each.search(rewritten) is not None for each in found):
                places = Places(raw, view)
                yield from (places.of(*span) for each in found for span in _matches(each, places.text))

    def _any(self, raw: bytes) -> bool:
        finders = (finder for each in self._expressions for finder in (each.as_text, each.usual))
        return any(finder.search(raw) is not None for finder in finders)

    def _concerns(self, value: object) -> bool:
        """Whether something in `value` may have to be masked."""
        text = _encode(value)
        return names_credentials(text) or self.finds(text)

    def _masked(self, value: Json, depth: int = 0) -> Json:
        if isinstance(value, str):
            return self.mask_text(value)
        if isinstance(value, dict):
            return self._masked_dict(mask_credentials(value), depth)
        if isinstance(value, list):
            return [each for _, each in self._masked_members(list(enumerate(value)), depth)]
        if value is None or isinstance(value, bool):
            return value
        return MASK if self.finds(_encode(value)) else value

    def _masked_dict(self, value: dict[str, Json], depth: int) -> dict[str, Json]:
        masked: dict[str, Json] = {}
        for key, each in self._masked_members(list(value.items()), depth):
            masked[_unused(key, masked)] = each
        return masked

    def _masked_members(self, members: list[tuple[_Key, Json]], depth: int) -> list[tuple[_Key, Json]]:
        """Mask the members of a container; halves in which nothing is found are left alone.

        Deep inside every member is looked at once: to look at all of it at each level would take too long.
        """
        if len(members) > _FEW and depth < _DEEP:
            if not self._concerns(members):
                return members
            middle = len(members) // 2
            halves = members[:middle], members[middle:]
            return [each for half in halves for each in self._masked_members(half, depth)]
        return [
            (self.mask_text(key) if isinstance(key, str) else key, self._masked(each, depth + 1))
            for key, each in members
        ]


def _unused(key: _Key, taken: dict[str, Json]) -> str:
    """Two keys can look alike once they are masked; neither value may be lost."""
    number, unused = 1, str(key)
    while unused in taken:
        number += 1
        unused = f"{key} ({number})"
    return unused


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _of_bytes() -> Any:
    """Return options of RE2 with which bytes are compared, so that any text can be looked through."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


# --- where secrets stand ----------------------------------------------------------------------------

#: Matches that begin inside another one are looked for while all have fewer bytes than so many times the text and some:
#: a secret may be `aaaaaa`.
_MOST_OVERLAPS, _FREE_BYTES = 4, 10_000


def _matches(expression: Any, raw: bytes) -> Iterator[_Span]:
    """Yield every match, also those that begin inside another: a secret may begin with the end of another one."""
    position, room = 0, _FREE_BYTES + _MOST_OVERLAPS * len(raw)
    while (match := expression.search(raw, position)) is not None:
        start, end = match.span()
        yield start, end
        room -= end - start
        position = start + 1 if room > 0 else end


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """Return the spans in order; those that touch are one."""
    merged: list[_Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


#: A host's name with letters beyond ASCII, as it is written for DNS (RFC 3492).
_ENCODED_HOST = re2.compile(rb"(?i)(?:[a-z0-9_-]+\.)*xn--[a-z0-9-]{1,59}(?:\.[a-z0-9_-]+)*", _of_bytes())


#: Of a host's name (RFC 1035); decoding takes time that grows with the square of the length.
_LONGEST_LABEL = 63


def _decoded(host: bytes) -> bytes:
    """Return the host's name as people write it; a label that is no Punycode as it is."""
    return b".".join(_decoded_label(label) for label in host.split(b"."))


def _decoded_label(label: bytes) -> bytes:
    if not label.lower().startswith(b"xn--") or len(label) > _LONGEST_LABEL:
        return label
    try:
        return _bytes_of(label[4:].decode("punycode"))
    except UnicodeError:
        return label


# --- the expressions --------------------------------------------------------------------------------

#: The newest secrets, up to so many, have an expression of their own, which is made again with each new one.
_NEWEST = 8


def _portions(secrets: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Split the secrets so that few expressions have to be made again when one more comes: 21 are 16 and 5."""
    start, size = 0, 1 << max(len(secrets).bit_length() - 1, 0)
    while size >= _NEWEST:
        if len(secrets) - start >= size:
            yield secrets[start : start + size]
            start += size
        size //= 2
    if start < len(secrets):
        yield secrets[start:]


@dataclass(frozen=True)
class _Literals:
    """Texts that are found one by one: RE2 is slow with very many long ones, on a text that looks like them."""

    texts: set[bytes]

    def search(self, raw: bytes) -> bool | None:
        """Return True where one of them stands in the text, else None."""
        return any(text in raw for text in self.texts) or None

    def spans(self, raw: bytes) -> Iterator[_Span]:
        """Yield where they stand."""
        for text in self.texts:
            start = raw.find(text)
            while start >= 0:
                yield start, start + len(text)
                start = raw.find(text, start + 1)


@dataclass(frozen=True)
class _Expression:
    """What finds some secrets: in a text, and in each of its views."""

    as_text: Any
    usual: _Literals
    in_views: tuple[Any, ...]


_VIEWS = (BASE64, HEX, CHARACTERS)
_LITERALS = (spellings.in_base64, spellings.in_hex)


@lru_cache(maxsize=256)
def _expression_of(secrets: tuple[str, ...]) -> _Expression:
    as_text: set[bytes] = set()
    usual_texts: set[bytes] = set()
    literals: list[set[bytes]] = [set() for _ in _LITERALS]
    room = _MOST_BYTES
    # All spellings of the short ones first, while there is room.
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
    return _Expression(whole, _Literals(usual_texts), (*(_compiled(texts) for texts in literals), whole))


#: An expression that finds nothing.
_NOTHING = rb"[^\x00-\xff]"


def _compiled(forms: set[bytes]) -> Any:
    whole = b"(?:" + b"|".join(sorted(forms)) + b")" if forms else _NOTHING
    options = _of_bytes()
    options.longest_match = True
    options.max_mem = _MAX_MEMORY
    try:
        return re2.compile(whole, options)
    except re2.error:
        return re.compile(whole)  # more than RE2 takes; the expression is safe for a backtracking engine too
