"""References inside a URL.

A reference at the very start is unchanged: it may contain scheme, host and base path. In the authority a value is
unchanged but checked (user and password are percent-encoded). After that everything except unreserved characters
(RFC 3986, 2.3) is percent-encoded, so a value never adds a path segment, a query parameter or a fragment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from steprunners.json_types import Json
from steprunners.references.errors import UnsafeValue
from steprunners.references.functions import text_of
from steprunners.values.hosts import ascii_host

_SHAPE = re.compile(
    r"(?P<authority>(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*)?(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)")
_AUTHORITY_END = re.compile(r"[/?#]")
_PORT_BEGINS = re.compile(r":[0-9]*\Z")
_UNSAFE_AT_START = re.compile(r"[\s\x00-\x1f\x7f\\]")
_IS_HOST = re.compile(r"(?:[A-Za-z0-9._~:-]|[^\x00-\x7f])+\Z")
_PORT = re.compile(r"0*[1-9][0-9]{0,4}\Z")
_OPEN_ESCAPE = re.compile(r"%([0-9A-Fa-f]?)\Z")
_IPV6 = re.compile(r"\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%25[A-Za-z0-9._~-]+)?\](?::(?P<port>.*))?\Z")


def encode(value: Json) -> str:
    """Return the value with everything except unreserved characters percent-encoded."""
    try:
        return quote(text_of(value), safe="")
    except UnicodeEncodeError as error:
        raise UnsafeValue("a URL cannot contain half a character (a lone surrogate)") from error


def raw_start(value: Json) -> str:
    """Return the value for the start of a URL; raise UnsafeValue for white space, controls and backslashes."""
    text = text_of(value)
    if _UNSAFE_AT_START.search(text):
        raise UnsafeValue("a URL cannot contain white space, control characters or backslashes")
    return mended_end(text)


def mended_end(text: str) -> str:
    """Return the text with a `%` at its end escaped: it must not become an escape together with what follows."""
    return _OPEN_ESCAPE.sub(r"%25\1", text)


def place(value: Json, *, before: str, after: str) -> str:
    """Return the value for its place in a URL, between the texts `before` and `after`."""
    authority = _open_authority(before)
    if authority is None or "@" in _AUTHORITY_END.split(after, maxsplit=1)[0]:
        return encode(value)
    text = text_of(value)
    at_port = _PORT_BEGINS.search(authority.rpartition("@")[2])
    if at_port and not authority.rpartition("@")[2].startswith("["):
        return _port(text)
    return _host(text)


def in_authority(before: str) -> bool:
    """Whether a value after `before` is part of the host or port."""
    return _open_authority(before) is not None


def _open_authority(before: str) -> str | None:
    """Return the beginning of the authority where `before` ends inside the authority, else None."""
    match = _AUTHORITY.fullmatch(before)
    return match[1] if match else None


def _port(text: str) -> str:
    if not text.isascii() or not text.isdigit():
        raise UnsafeValue("a port is a number from 1 to 65535")
    return text


def _host(text: str) -> str:
    is_name = _IS_HOST.match(text) and _IS_HOST.match(_mapped(text))
    if not (is_name or _IPV6.match(text)):
        raise UnsafeValue(
            "a host can contain only letters, digits, '-' and '.'; write everything else after it, in the URL's text"
        )
    return text


def _mapped(text: str) -> str:
    # A look-alike such as U+2100 becomes "a/c" in DNS.
    try:
        return ascii_host(text)
    except ValueError:
        return ""


def check(text: str, *, sample: str, encoded: Sequence[tuple[int, int]], authority_touched: bool) -> None:
    """Raise UnsafeValue where the values change the structure of the URL.

    `sample` is the same URL with a harmless letter for every value; `encoded` are the values' places in `text`.
    """
    if authority_touched:
        _check_authority(text)
    if _structure(text) != _structure(sample):
        raise UnsafeValue("the value would change the structure of the URL")
    for start, end in encoded:
        if _segment_around(text, start, end) in (".", ".."):
            raise UnsafeValue("a path segment cannot be '.' or '..'")


def _structure(url: str) -> tuple[bool, int, bool, bool]:
    match = _SHAPE.match(url)
    authority, path, query, fragment = match.groups("") if match else ("", "", "", "")
    return bool(authority), path.count("/"), bool(query), bool(fragment)


def _check_authority(url: str) -> None:
    match = _AUTHORITY.match(url)
    if match is None:
        return
    host_and_port = match[1].rpartition("@")[2]
    ipv6 = _IPV6.match(host_and_port)
    host, _, port = ("::", "", ipv6["port"]) if ipv6 else host_and_port.partition(":")
    if not host:
        raise UnsafeValue("the URL has no host")
    if not ipv6 and re.search(r"[\[\]]", host):
        raise UnsafeValue("the host is not an address")
    if port and (not _PORT.match(port) or int(port) > 65_535):
        raise UnsafeValue("a port is a number from 1 to 65535")


def _segment_around(url: str, start: int, end: int) -> str:
    left = max(url.rfind(mark, 0, start) for mark in "/?#") + 1
    right = min((found for mark in "/?#" if (found := url.find(mark, end)) >= 0), default=len(url))
    return url[left:right]
