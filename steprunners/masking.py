"""Takes secrets out of what is stored and shown, in every encoding (contract, section 9).

One RE2 expression holds every secret: as it is, JSON-escaped and percent-encoded (any number of times, so also JSON
in JSON, and JSON in a URL), escaped for HTML, and in base64 (of the text, of it in JSON, of it in a URL) at each of
the three alignments that it can have inside a longer text.
Most values hold no secret, so the whole is searched once as JSON text before anything is walked through.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

import re2

from steprunners.json_types import Json

MASK = "••••••"
#: A shorter secret would be found everywhere; those are masked only where they were put in.
MIN_LENGTH = 6
SENSITIVE_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})

#: What there is to be masked of a record with headers, in its JSON text: one of these at least.
_BESIDE_HEADERS = ('"cookies": {"', *(f'"{name}"' for name in SENSITIVE_HEADERS))

_Key = str | int
_encode = json.JSONEncoder(ensure_ascii=False).encode

_FEW = 8
_MIN_LINE = 8
_PIECE = 512
_CREDENTIALS = frozenset({"password", "token", "clientSecret"})
_SHORT_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
#: A backslash of JSON, which may have been put into a URL afterwards.
_BACKSLASH = rb"(?:\\|%(?:25)*5[Cc])"
_IN_HTML = {
    "&": b"amp|#38",
    "<": b"lt|#60|#x3c",
    ">": b"gt|#62|#x3e",
    '"': b"quot|#34|#x22",
    "'": b"apos|#39|#x27",
}
_BASE64_TAIL = rb"(?:[A-Za-z0-9+/_-]?(?:=|%3[Dd]){1,2})?"
_MAX_MEMORY = 256 * 1024 * 1024


def texts_of(value: Json) -> list[str]:
    """Return the texts inside a JSON value (a secret can be an object); numbers as they are written."""
    if isinstance(value, dict):
        return [text for child in value.values() for text in texts_of(child)]
    if isinstance(value, list):
        return [text for child in value for text in texts_of(child)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


class Masker:
    """Masks texts that hold one of the secrets; nothing that it is given makes it raise."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Keep the secrets that are long enough; the expression for a set of them is made once a process."""
        self._pattern = _pattern_for(frozenset(each for each in secrets if len(each) >= MIN_LENGTH))

    def mask(self, value: Json) -> Json:
        """Return `value` with secrets, and the headers that carry credentials, masked.

        The very same object comes back where there was nothing to mask.
        """
        if value is None or (self._pattern is None and not isinstance(value, (dict, list))):
            return value
        try:
            text = _encode(value)
            if self._finds(text):
                masked = self._masked(value)
                return value if masked == value else masked
            return _without_credentials(value) if _names_credentials(text) else value
        except (RecursionError, ValueError, TypeError):
            return MASK  # too deep to look through, so nothing of it may be shown

    def mask_text(self, text: str) -> str:
        """Return `text` with secrets masked."""
        if self._pattern is None:
            return text
        raw = text.encode("utf-8", "surrogatepass")
        masked: bytes = self._pattern.sub(MASK.encode(), raw)
        return text if masked == raw else masked.decode("utf-8", "surrogatepass")

    def _concerns(self, value: object) -> bool:
        """Whether something in `value` may have to be masked."""
        text = _encode(value)
        return _names_credentials(text) or self._finds(text)

    def _finds(self, text: str) -> bool:
        if self._pattern is None:
            return False
        return self._pattern.search(text.encode("utf-8", "surrogatepass")) is not None

    def _masked(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.mask_text(value)
        if isinstance(value, dict):
            return self._masked_dict(mask_credentials(value))
        if isinstance(value, list):
            return [each for _, each in self._masked_members(list(enumerate(value)))]
        if value is None or isinstance(value, bool):
            return value
        return MASK if self._finds(_encode(value)) else value

    def _masked_dict(self, value: dict[str, Json]) -> dict[str, Json]:
        masked: dict[str, Json] = {}
        for key, each in self._masked_members(list(value.items())):
            masked[_unused(key, masked)] = each
        return masked

    def _masked_members(self, members: list[tuple[_Key, Json]]) -> list[tuple[_Key, Json]]:
        """Mask the members of a container; halves in which nothing is found are left alone."""
        if len(members) > _FEW:
            if not self._concerns(members):
                return members
            middle = len(members) // 2
            return [*self._masked_members(members[:middle]), *self._masked_members(members[middle:])]
        return [
            (self.mask_text(key) if isinstance(key, str) else key, self._masked(each))
            for key, each in members
        ]


def _unused(key: _Key, taken: dict[str, Json]) -> str:
    """Two keys can look alike once they are masked; neither value may be lost."""
    number, unused = 1, str(key)
    while unused in taken:
        number += 1
        unused = f"{key} ({number})"
    return unused


def _names_credentials(text: str) -> bool:
    """Whether JSON text may hold a record in which `mask_credentials` masks something."""
    if '"auth"' in text:
        return True
    lowered = text.lower()
    return '"headers"' in lowered and any(name in lowered for name in _BESIDE_HEADERS)


def _without_credentials(value: Json) -> Json:
    """Return the value with `mask_credentials` applied to every object in it; itself where that changes nothing."""
    if isinstance(value, dict):
        record = mask_credentials(value)
        changes = {
            key: new
            for key, each in record.items()
            if isinstance(each, (dict, list)) and (new := _without_credentials(each)) is not each
        }
        return {**record, **changes} if changes else record
    if isinstance(value, list):
        members = [_without_credentials(each) for each in value]
        return value if all(new is each for new, each in zip(members, value, strict=True)) else members
    return value


def mask_credentials(record: dict[str, Json]) -> dict[str, Json]:
    """Return a request or result with the credentials masked that its `headers`, `cookies` and `auth` carry.

    Cookies and `auth` count beside `headers` or `url` only: elsewhere the names mean something else.
    """
    changes: dict[str, Json] = {}
    for key, value in record.items():
        if isinstance(value, dict) and value:
            masked = _masked_member(record, key, value)
            if masked != value:
                changes[key] = masked
    return {**record, **changes} if changes else record


def _masked_member(record: dict[str, Json], key: str, value: dict[str, Json]) -> dict[str, Json]:
    if key.lower() == "headers":
        return {
            name: MASK if each and name.lower() in SENSITIVE_HEADERS else each for name, each in value.items()
        }
    if key == "cookies" and "headers" in record:
        return {name: MASK if each else each for name, each in value.items()}
    if key == "auth" and "url" in record:
        return {name: MASK if each and name in _CREDENTIALS else each for name, each in value.items()}
    return value


# --- the expression -------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def _pattern_for(secrets: frozenset[str]) -> Any:
    """Return the compiled expression, or None where there is no secret."""
    forms: set[bytes] = {form for secret in secrets for piece in _pieces(secret) for form in _forms(piece)}
    if not forms:
        return None
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    whole = b"(?:" + b"|".join(longest_first) + b")+"
    options = re2.Options()
    options.encoding = (
        re2.Options.Encoding.LATIN1
    )  # bytes are compared, so that any text can be looked through
    options.log_errors = False
    options.longest_match = True
    options.max_mem = _MAX_MEMORY
    try:
        return re2.compile(whole, options)
    except re2.error:
        return re.compile(whole)  # more than RE2 takes; the expression is safe for a backtracking engine too


def _pieces(secret: str) -> Iterator[str]:
    """Yield the secret, in parts where it is very long, and its lines, by which a PEM text can show up."""
    for start in range(0, len(secret), _PIECE):
        piece = secret[start : start + _PIECE]
        if len(piece) >= MIN_LENGTH or start == 0:
            yield piece
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _MIN_LINE and not line.startswith("-----"))


def _forms(text: str) -> Iterator[bytes]:
    yield _spelled(text)
    yield _spelled(text.lower())  # as a host's name comes back
    for spelling in _before_base64(text):
        raw = spelling.encode("utf-8", "surrogatepass")
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw).decode()
            # The characters at both ends that also hold bits of what stands beside the secret are left out.
            stable = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
            for alphabet in {stable, stable.replace("+", "-").replace("/", "_")}:
                yield _spelled(alphabet) + _BASE64_TAIL
        for whole in {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}:
            yield _spelled(whole.rstrip("=")) + rb"(?:=|%3[Dd]){0,2}"


def _before_base64(text: str) -> set[str]:
    """Return how the text may have been written before it was put into base64: as it is, in JSON, or in a URL."""
    in_json = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    raw = text.encode("utf-8", "surrogatepass")
    return {text, *in_json, quote(raw, safe=""), quote(raw, safe="/"), quote_plus(raw)}


def _spelled(text: str) -> bytes:
    """Return an expression for every way in which the text can be written."""
    return b"".join(_character(character) for character in text)


@lru_cache(maxsize=1024)
def _character(character: str) -> bytes:
    raw = character.encode("utf-8", "surrogatepass")
    if raw.isalnum():
        return raw  # no encoding touches letters and digits
    percent = b"".join(rb"%%(?:25)*%02x" % byte for byte in raw)  # encoded again: %25C3
    units = character.encode("utf-16-be", "surrogatepass")
    escape = b"".join(
        rb"%s+u(?i:%02x%02x)" % (_BACKSLASH, units[at], units[at + 1]) for at in range(0, len(units), 2)
    )
    slashes = rb"%s*" % _BACKSLASH if character in '"/' else b""
    ways = [slashes + re.escape(raw), slashes + b"(?i:%s)" % percent, escape]
    if character == "\\":
        ways[0] = rb"%s+" % _BACKSLASH
    if character == " ":
        ways.append(rb"\+|%(?:25)*2[Bb]")
    if character in _SHORT_ESCAPES:
        ways.append(rb"%s+%s" % (_BACKSLASH, _SHORT_ESCAPES[character].encode()))
    if character in _IN_HTML:
        ways.append(slashes + b"&(?:amp;)*(?i:%s);" % _IN_HTML[character])
    return b"(?:" + b"|".join(ways) + b")"
