"""Masks secrets in everything that is stored and shown (contract, section 9).

`spellings` lists the forms in which a secret is found. Most values contain no secret, so the JSON text of a value is
searched once before its parts are visited.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Iterable, Iterator
from decimal import Decimal
from typing import Any

from steprunners.json_types import Json
from steprunners.masking.bytes_search import Span, bytes_of, matches
from steprunners.masking.credentials import (
    MASK,
    TEXT_OF,
    mask_credentials,
    names_credentials,
    without_credentials,
)
from steprunners.masking.punycode import ENCODED_HOST, decoded_host
from steprunners.masking.secret_patterns import VIEWS, patterns_of, portions
from steprunners.masking.spellings import MIN_LENGTH
from steprunners.masking.text_views import Places

_Key = str | int
_encode = json.JSONEncoder(ensure_ascii=False).encode

_FEW, _DEEP = 8, 10


def texts_of(value: Json) -> list[str]:
    """Return the texts inside a JSON value (a secret can be an object); numbers are included as text."""
    if isinstance(value, dict):
        return [text for child in value.values() for text in texts_of(child)]
    if isinstance(value, list):
        return [text for child in value for text in texts_of(child)]
    if isinstance(value, float):
        return _spellings_of(value)
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _spellings_of(number: float) -> list[str]:
    """Return the number as it was read, as a program writes the double, and with no zeros at its end."""
    texts = [str(number), float.__repr__(number)]
    if number != 0 and math.isfinite(number):  # so its exponent is one of a double, and it can be written out
        text = f"{Decimal(str(number)):f}"
        texts.append(text.rstrip("0").rstrip(".") if "." in text else text)
    return list(dict.fromkeys(texts))


def _searched(value: object) -> str:
    """Return the JSON text, and behind it the numbers whose text the encoder does not keep (`ExactFloat`)."""
    return " ".join([_encode(value), *_numbers_as_read(value)])


def _numbers_as_read(value: object) -> Iterator[str]:
    waiting: list[Any] = [(value,)]
    while waiting:  # a loop: this runs over every result
        container = waiting.pop()
        for each in container.values() if isinstance(container, dict) else container:
            if isinstance(each, (dict, list, tuple)):
                waiting.append(each)
            elif isinstance(each, float) and type(each) is not float:
                yield str(each)


class Masker:
    """Masks texts that contain one of the secrets. It never raises, whatever the value is."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Keep the secrets that are long enough; their expressions are compiled once in each process.

        Give the secrets of an execution in the order in which they were found: then the expressions of the older ones
        can be used again.
        """
        ordered = sorted(secrets) if isinstance(secrets, set | frozenset) else secrets
        kept = tuple(dict.fromkeys(each for each in ordered if len(each) >= MIN_LENGTH))
        self._patterns = [patterns_of(portion) for portion in portions(kept)]

    def mask(self, value: Json) -> Json:
        """Return `value` with the secrets and the credentials in headers masked.

        Returns the same object where there is nothing to mask.
        """
        if value is None or (not self._patterns and not isinstance(value, (dict, list))):
            return value
        try:
            text = _searched(value) if self._patterns else _encode(value)
            if self.finds(text):
                masked = self._masked(value)
                return value if masked == value else masked
            return without_credentials(value) if names_credentials(text) else value
        except (RecursionError, ValueError, TypeError):
            return MASK  # too deep to be searched, so nothing of it may be shown

    def mask_text(self, text: str) -> str:
        """Return `text` with secrets masked."""
        if not self._patterns:
            return text
        raw = bytes_of(text)
        spans = _merged(self._spans(raw))
        if not spans:
            return text
        ends = [0, *(end for _, end in spans)]
        starts = [*(start for start, _ in spans), len(raw)]
        kept = [raw[end:start] for end, start in zip(ends, starts, strict=True)]
        return MASK.encode().join(kept).decode("utf-8", "surrogatepass")

    def finds(self, text: str) -> bool:
        """Return whether the text contains one of the secrets."""
        if not self._patterns:
            return False
        raw = bytes_of(text)
        if self._any(raw):
            return True
        return next(self._rewritten_spans(raw), None) is not None

    def _spans(self, raw: bytes) -> Iterator[Span]:
        """Yield the places of secrets in the text, in any order."""
        for each in self._patterns:
            yield from matches(each.as_text, raw)
            yield from each.usual.spans(raw)
        yield from self._rewritten_spans(raw)

    def _rewritten_spans(self, raw: bytes) -> Iterator[Span]:
        """Yield the places of secrets that are found only in a view of the text (`text_views`) or a decoded host."""
        hosts = [(host.span(), decoded_host(host[0])) for host in ENCODED_HOST.finditer(raw)]
        if hosts and self._any(b"\n".join(decoded for _, decoded in hosts)):
            yield from (span for span, decoded in hosts if self._any(decoded))
        for number, view in enumerate(VIEWS):
            rewritten = view.rewrite(raw)
            found = [each.in_views[number] for each in self._patterns]
            if any(each.search(rewritten) is not None for each in found):
                places = Places(raw, view)
                yield from (places.of(*span) for each in found for span in matches(each, places.text))

    def _any(self, raw: bytes) -> bool:
        finders = (finder for each in self._patterns for finder in (each.as_text, each.usual))
        return any(finder.search(raw) is not None for finder in finders)

    def _concerns(self, value: object) -> bool:
        """Whether something in `value` may have to be masked."""
        text = _searched(value)
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
        return MASK if self.finds(_searched(value)) else value

    def _masked_dict(self, value: dict[str, Json], depth: int) -> dict[str, Json]:
        masked: dict[str, Json] = {}
        for key, each in self._masked_members(list(value.items()), depth):
            masked[unused(key, masked)] = each
        for key, text in TEXT_OF.items():
            if key in value and text in masked and without_credentials(value[key]) is not value[key]:
                masked[text] = MASK
        return masked

    def _masked_members(self, members: list[tuple[_Key, Json]], depth: int) -> list[tuple[_Key, Json]]:
        """Mask the members of a container; halves in which nothing is found stay unchanged.

        Below _DEEP levels each member is searched on its own: searching everything again at each level is too slow.
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


def unused(key: _Key, taken: Container[str]) -> str:
    """Return a key that is not taken: two masked keys can be equal, and neither value may be lost."""
    number, unused = 1, str(key)
    while unused in taken:
        number += 1
        unused = f"{key} ({number})"
    return unused


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order; spans that touch are joined."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
