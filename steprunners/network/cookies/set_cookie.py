"""Reads one Set-Cookie header (RFC 6265, section 5.2). What is wrong in it is left out, never the rest with it.

Texts are bytes read as Latin-1, so that every value goes back as it came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from steprunners.network.cookies.dates import parse_date

_WHITE = " \t"
#: A browser drops such a header (RFC 6265bis, section 5.6), and no request could carry the value.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SECONDS = re.compile(r"-?[0-9]+\Z")
#: More digits than this mean a time that nobody reaches.
_MOST_DIGITS = 12


@dataclass(frozen=True)
class SetCookie:
    """What a Set-Cookie header says; None and "" stand for attributes that it does not give.

    `max_age` is in seconds, `expires` in seconds since the epoch.
    """

    name: str
    value: str
    max_age: int | None = None
    expires: int | None = None
    domain: str = ""
    path: str | None = None
    secure: bool = False


def parse_set_cookie(header: str) -> SetCookie | None:
    """Return what the header says; None where it names no cookie."""
    if _CONTROL.search(header):
        return None
    pair, *attributes = header.split(";")
    name, equals, value = pair.partition("=")
    if not equals or not name.strip(_WHITE):
        return None
    said = SetCookie(name.strip(_WHITE), value.strip(_WHITE))
    for attribute in attributes:
        said = _with_attribute(said, attribute)
    return said


def _with_attribute(said: SetCookie, attribute: str) -> SetCookie:
    """Return what is said with the attribute, if it is one and its value is valid: the last one counts."""
    key, _, value = (part.strip(_WHITE) for part in attribute.partition("="))
    match key.lower():
        case "max-age" if _SECONDS.match(value):
            return replace(said, max_age=_seconds(value))
        case "expires" if (expires := parse_date(value)) is not None:
            return replace(said, expires=expires)
        case "domain" if value:
            return replace(said, domain=value.removeprefix(".").lower())
        case "path":
            return replace(said, path=value if value.startswith("/") else None)
        case "secure":
            return replace(said, secure=True)
    return said


def _seconds(value: str) -> int:
    digits = value.removeprefix("-").lstrip("0")[:_MOST_DIGITS] or "0"
    return -int(digits) if value.startswith("-") else int(digits)
