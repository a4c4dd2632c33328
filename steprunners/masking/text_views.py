"""Views of a text: it is rewritten so that an encoding has one spelling, in one line and without separators.

Base64 comes in lines, in the alphabet of URLs, and percent-encoded. Hex comes with all kinds of separators. `rewrite`
is fast and is called for every text. `Places` tells where a match in the view is in the text itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

#: Line breaks as they are and in JSON text (backslashes go everywhere), and blanks: lines may be indented.
_LINE_BREAKS = rb"\\[rntf]|[ \t\r\n\f\\]"
_SIGNS = {b"2B": b"+", b"43;": b"+", b"2F": b"/", b"47;": b"/", b"3D": b"=", b"61;": b"="}
_SIGN = rb"2[BbFf]|3[Dd]"
_IN_BASE64 = re.compile(
    _LINE_BREAKS + rb"|%%(?:25)*(?:0[AaDd]|%s)|u00(?:%s)|&#(?:43|47|61|[xX](?:%s));" % (_SIGN, _SIGN, _SIGN)
)
_IN_HEX = re.compile(_LINE_BREAKS + rb"|%(?:25)+|0x|u00|amp;|[:,%;&#_=xu-]")
_CHARACTER = re.compile(
    rb"&(?:amp;)*#0*([0-9]{1,7});|(?:&(?:amp;)*#[xX]|\\u\{)0*([0-9a-fA-F]{1,6})[;}]|\\u([0-9a-fA-F]{4})"
    rb"|(?:%(?:25)*|\\x)([0-9a-fA-F]{2})"
)

_ENCODED_AGAIN = re.compile(rb"%(?:25)+")
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n\f\\"
_ESCAPED_BLANKS = (b"\\r", b"\\n", b"\\t", b"\\f")


@dataclass(frozen=True)
class View:
    """How texts are rewritten: `tokens` matches the parts that change; `rewrite` changes the whole text, fast."""

    tokens: re.Pattern[bytes]
    rewrite: Callable[[bytes], bytes]
    becomes: Callable[[bytes], bytes] = lambda _token: b""
    #: Applied to the text first; it keeps the number of bytes.
    before: Callable[[bytes], bytes] = bytes


def _one_percent(raw: bytes) -> bytes:
    return _ENCODED_AGAIN.sub(b"%", raw) if b"%25" in raw else raw


def _as_base64(raw: bytes) -> bytes:
    for each in _ESCAPED_BLANKS:
        raw = raw.replace(each, b"")
    if b"%" in raw:
        raw = _one_percent(raw)
        for each in (b"%0A", b"%0a", b"%0D", b"%0d"):
            raw = raw.replace(each, b"")
        raw = _with_signs(raw, b"%", b"")
    if b"u00" in raw:
        raw = _with_signs(raw, b"u00", b"")
    if b"&#" in raw:
        raw = raw.replace(b"&#43;", b"+").replace(b"&#47;", b"/").replace(b"&#61;", b"=")
        raw = _with_signs(_with_signs(raw, b"&#x", b";"), b"&#X", b";")
    return raw.translate(_STANDARD_ALPHABET, _BLANKS)


def _with_signs(raw: bytes, before: bytes, after: bytes) -> bytes:
    for digits, sign in ((b"2B", b"+"), (b"2F", b"/"), (b"3D", b"=")):
        for each in (digits, digits.lower()):
            raw = raw.replace(before + each + after, sign)
    return raw


def _sign(token: bytes) -> bytes:
    upper = token.upper()
    return next((sign for end, sign in _SIGNS.items() if upper.rstrip(b";").endswith(end.rstrip(b";"))), b"")


def _as_hex(raw: bytes) -> bytes:
    raw = _one_percent(raw.lower())
    for each in (*_ESCAPED_BLANKS, b"0x", b"u00", b"amp;"):
        raw = raw.replace(each, b"")
    return raw.translate(None, _BLANKS + b":,%;&#_=xu-")


def _with_characters(raw: bytes) -> bytes:
    if b"%" in raw or b"&#" in raw or b"\\u" in raw or b"\\x" in raw:
        return _CHARACTER.sub(lambda token: _character(token[0]), raw)
    return b""  # it is the text itself


def _character(token: bytes) -> bytes:
    """Return the character or byte that the token encodes."""
    match = _CHARACTER.fullmatch(token)
    decimal, number, unit, byte = match.groups() if match else (None, None, None, None)
    if byte is not None:
        return bytes([int(byte, 16)])
    code = int(decimal) if decimal is not None else int(number or unit or b"0", 16)
    return chr(code).encode("utf-8", "surrogatepass") if code <= 0x10FFFF else token


BASE64 = View(_IN_BASE64, _as_base64, _sign, lambda raw: raw.translate(_STANDARD_ALPHABET))
HEX = View(_IN_HEX, _as_hex, before=bytes.lower)
#: Characters that are written by their number become themselves; a text without such characters is skipped.
CHARACTERS = View(_CHARACTER, _with_characters, _character)


class Places:
    """A text rewritten by a view, and the place of each of its bytes in the text."""

    def __init__(self, raw: bytes, view: View) -> None:
        """Rewrite the text part by part."""
        raw = view.before(raw)
        written, end = bytearray(), 0
        self._starts: list[int] = []
        self._places: list[int] = []
        #: The end of a token; 0 for text that was kept.
        self._ends: list[int] = []
        for token in view.tokens.finditer(raw):
            self._note(len(written), end)
            written += raw[end : token.start()]
            new = view.becomes(token[0])
            if new:
                self._note(len(written), token.start(), token.end())
                written += new
            end = token.end()
        self._note(len(written), end)
        written += raw[end:]
        self.text = bytes(written)

    def _note(self, written: int, place: int, end: int = 0) -> None:
        self._starts.append(written)
        self._places.append(place)
        self._ends.append(end)

    def of(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the text of the part from `start` to `end` of the rewritten text."""
        first, last = self._part(start), self._part(end - 1)
        begins = self._places[first] + (0 if self._ends[first] else start - self._starts[first])
        return begins, self._ends[last] or self._places[last] + end - self._starts[last]

    def _part(self, written: int) -> int:
        return bisect_right(self._starts, written) - 1
