"""All the ways in which a secret may be written in a text (contract, section 9).

`as_text` yields expressions for RE2: for the secret unchanged and in lower case; JSON-escaped, percent-encoded and
HTML-escaped, any number of times; and, for letters beyond ASCII, in the other normal forms of Unicode and as UTF-8 that
was read as Latin-1 or Windows-1252. `in_base64` and `in_hex` yield its forms in the views of a text (`text_views`).

docs/security.md lists the spellings for users.
"""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html.entities import codepoint2name
from urllib.parse import quote, quote_plus

#: A shorter secret would be found everywhere; it is masked only where it was put in.
MIN_LENGTH = 6

#: Only this many characters of a longer secret are searched for.
LONGEST = 32_768

_MIN_LINE = 8
_PIECE = 512
_SHORT_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
#: A backslash of JSON, which may have been written into a URL afterwards.
_BACKSLASH = rb"(?:\\|%(?:25)*5[Cc])"
#: The text before the two hex digits of a byte: in URLs (also encoded twice), in Python and C, in mails.
_BEFORE_HEX = rb"(?:%(?:25)*|\\+x|=)"
#: A percent-encoded byte in the secret itself: programs that read it as a URL may change the case of its digits.
_ENCODED_BYTE = re.compile("(?<=%)[0-9A-Fa-f]{2}")
_ENTITY_NAMES = {**codepoint2name, ord("'"): "apos"}


def pieces(secret: str) -> Iterator[str]:
    """Yield the secret, in parts where it is very long, and its lines, by which a PEM text can show up."""
    secret = secret[:LONGEST]
    count = -(-len(secret) // _PIECE)
    size = -(-len(secret) // count) if count else 0
    for start in range(0, len(secret), size or 1):
        yield secret[start : start + size]
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _MIN_LINE and not line.startswith("-----"))


def as_text(piece: str) -> Iterator[bytes]:
    """Yield expressions for the ways in which people and programs write the text."""
    for form in _variants(piece):
        yield _spelled(form)
        yield _spelled(form.lower())  # as a host's name comes back


def as_usual_text(piece: str) -> Iterator[bytes]:
    """Yield only the usual spellings, as plain bytes: all spellings of a very long secret are too much for RE2."""
    yield from (*_before_encoding(piece), _utf8(html.escape(piece)), _utf8(piece.lower()))


def _variants(piece: str) -> set[str]:
    """Return the text in the normal forms of Unicode, and with stripped and collapsed white space."""
    normal = {piece, *(unicodedata.normalize(name, piece) for name in ("NFC", "NFD", "NFKC"))}
    collapsed = {spaced for each in normal for spaced in (each.strip(), " ".join(each.split()))}
    return normal | {each for each in collapsed if len(each) >= MIN_LENGTH}


def weight(piece: str) -> int:
    """Return roughly how many bytes all spellings of the text have (measured)."""
    letters = sum(character.isascii() and character.isalnum() for character in piece)
    others = sum(character.isascii() for character in piece) - letters
    return 10 * letters + 500 * others + 4_000 * (len(piece) - letters - others)


def in_base64(piece: str, *, usual: bool = False) -> Iterator[bytes]:
    """Yield the forms of the secret in the view BASE64 of a text, one for each alignment."""
    for raw in (_utf8(piece),) if usual else _before_encoding(piece):
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw)
            # Without the characters at both ends that share bits with the text beside the secret.
            yield encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        yield base64.b64encode(raw).rstrip(b"=")


def in_hex(piece: str, *, usual: bool = False) -> Iterator[bytes]:
    """Yield the forms of the secret in the view HEX: its bytes, and its characters' numbers as in JSON and HTML."""
    if usual:
        yield _utf8(piece).hex().encode()
        return
    for raw in _before_encoding(piece):
        yield raw.hex().encode()
        yield raw.replace(b"%", b"").hex().encode()  # `%25` is read as a percent sign that was encoded twice
    units = piece.encode("utf-16-be", "surrogatepass")
    pairs = [units[at : at + 2] for at in range(0, len(units), 2)]
    yield b"".join(pair.hex().encode() if pair[0] else b"%02x" % pair[1] for pair in pairs)
    yield b"".join(b"%02x" % ord(character) for character in piece)


def _before_encoding(text: str) -> set[bytes]:
    """Return the forms of the text before it was encoded: unchanged, in JSON, or in a URL."""
    in_json = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    raw = _utf8(text)
    urls: Iterable[str] = (quote(raw, safe=""), quote(raw, safe="/"), quote_plus(raw))
    spelled = {_utf8(each) for each in (text, *in_json, *urls)}
    return spelled if text.isascii() else spelled | {text.encode("latin-1", "replace")}


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _spelled(text: str) -> bytes:
    """Return an expression for all the ways in which the text can be written."""
    # A system replaces a character that it cannot hold; a text of only such characters is not searched for.
    replaced = sum(character.isascii() for character in text) >= MIN_LENGTH
    expression, position = b"", 0
    for digits in _ENCODED_BYTE.finditer(text):
        expression += _characters(text[position : digits.start()], replaced=replaced)
        expression += b"(?i:%s)" % digits[0].encode()
        position = digits.end()
    return expression + _characters(text[position:], replaced=replaced)


def _characters(text: str, *, replaced: bool) -> bytes:
    return b"".join(_character(character, replaced=replaced) for character in text)


@lru_cache(maxsize=4096)
def _character(character: str, *, replaced: bool = False, damaged: bool = True) -> bytes:
    """Return an expression for all the ways in which the character can be written; `damaged` adds the wrong ones."""
    raw = _utf8(character)
    if raw.isalnum():
        return raw  # no encoding touches letters and digits
    # JSON, programs and regular expressions escape with a backslash; the last escape anything but letters and digits.
    slashes = rb"%s*" % _BACKSLASH if character.isascii() else b""
    ways = [rb"%s+" % _BACKSLASH if character == "\\" else slashes + re.escape(raw)]
    ways += [slashes + _hex_bytes(raw), _unicode_escape(character), slashes + _html_escape(character)]
    if character == " ":
        ways.append(rb"\+|%(?:25)*2[Bb]")
    if character in _SHORT_ESCAPES:
        ways.append(rb"%s+%s" % (_BACKSLASH, _SHORT_ESCAPES[character].encode()))
    if damaged and not character.isascii():
        ways += _damaged(character, replaced=replaced)
    return b"(?:" + b"|".join(dict.fromkeys(ways)) + b")"


def _hex_bytes(raw: bytes) -> bytes:
    return b"".join(rb"%s(?i:%02x)" % (_BEFORE_HEX, byte) for byte in raw)


def _unicode_escape(character: str) -> bytes:
    """Return an expression for the character's number after a backslash and `u`, as JSON and programs write it."""
    units = character.encode("utf-16-be", "surrogatepass")
    in_json = b"".join(
        rb"%s+u(?i:%02x%02x)" % (_BACKSLASH, units[at], units[at + 1]) for at in range(0, len(units), 2)
    )
    return rb"(?:%s|\\+(?:u\{0*(?i:%x)\}|U(?i:%08x)))" % (in_json, ord(character), ord(character))


def _html_escape(character: str) -> bytes:
    code = ord(character)
    names = rb"|(?i:%s)" % _ENTITY_NAMES[code].encode() if code in _ENTITY_NAMES else b""
    return rb"&(?:amp;)*(?:#0*%d|#[xX]0*(?i:%x)%s);" % (code, code, names)


def _damaged(character: str, *, replaced: bool) -> Iterator[bytes]:
    """Yield the forms of a character beyond ASCII after it was read or written in the wrong encoding."""
    raw = _utf8(character)
    for codec in ("latin-1", "cp1252"):
        yield b"".join(_character(each, damaged=False) for each in _misread(raw, codec))
    if ord(character) < 256:
        yield _hex_bytes(character.encode("latin-1"))
    if replaced:
        yield rb"\?|(?:%s){1,%d}" % (_character("\ufffd", damaged=False), len(raw))


def _misread(raw: bytes, codec: str) -> str:
    """Return the bytes as a reader with this codec reads them; bytes that Windows-1252 lacks are read as Latin-1."""
    return "".join(bytes([each]).decode(codec, "ignore") or chr(each) for each in raw)
