"""URLs as they are sent (RFC 3986): what is escaped stays as it was written, and what cannot stand there is escaped.

`requests` and urllib3 unescape letters, and escape every `%` again where one of them is alone. Both would change the
request that a tester wrote.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from steprunners.errors import BadConfig
from steprunners.network.addresses import is_address
from steprunners.values.hosts import ascii_host

#: White space around a URL that is no part of it; other white space is sent, escaped.
ASCII_SPACE = " \t\r\n\f\v"
_PARTS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,20}))?\Z")
# The WHATWG's forbidden host code points: with one of them a proxy could read another host than we do.
_NOT_IN_HOST = re.compile(r"[\x00-\x20\x7f#/:<>?@\[\\\]^|%]")
# A percent sign that escapes nothing, and everything that is neither unreserved nor a delimiter (RFC 3986, 3.3, 3.4).
_UNSAFE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/?%-]")


class Url(NamedTuple):
    """The parts of a URL as they are written; None where a part is absent, which is not the same as empty."""

    scheme: str | None
    authority: str | None
    path: str
    query: str | None
    fragment: str | None

    def __str__(self) -> str:
        """Return the URL (RFC 3986, 5.3)."""
        return "".join(
            (
                "" if self.scheme is None else f"{self.scheme}:",
                "" if self.authority is None else f"//{self.authority}",
                self.path,
                "" if self.query is None else f"?{self.query}",
                "" if self.fragment is None else f"#{self.fragment}",
            )
        )


def parts_of(url: str) -> Url:
    """Split a URL or a relative one (RFC 3986, appendix B). Unlike urlsplit it leaves no character out."""
    match = _PARTS.match(url)
    assert match is not None  # noqa: S101 - every text matches
    return Url(match["scheme"], match["authority"], match["path"], match["query"], match["fragment"])


@lru_cache(maxsize=512)
def normal_url(url: str) -> str:
    """Return the absolute URL as it is sent: its host for DNS, `.` and `..` resolved, the rest escaped where needed.

    Raises BadConfig.
    """
    parts = parts_of(url)
    scheme = (parts.scheme or "").lower()
    if scheme not in ("http", "https") or not parts.authority:
        raise BadConfig(f"'{url}' is not an absolute http or https URL")
    if "@" in parts.authority:
        raise BadConfig("a URL must not contain a user name or password, because URLs are shown: use auth")
    try:
        return str(
            Url(
                scheme,
                _normal_authority(parts.authority),
                _escaped(_without_dots(parts.path)),
                None if parts.query is None else _escaped(parts.query),
                None if parts.fragment is None else _escaped(parts.fragment),
            )
        )
    except UnicodeEncodeError as error:
        raise BadConfig(f"'{url}' is not a URL: it contains half a character (a lone surrogate)") from error
    except ValueError as error:
        raise BadConfig(f"'{url}' is not a URL: {error}") from error


def _normal_authority(authority: str) -> str:
    match = _AUTHORITY.match(authority)
    if match is None:
        raise ValueError("its host or port cannot be read")
    host, port = _normal_host(match["host"]), match["port"]
    if port and not 0 < int(port) < 65_536:
        raise ValueError("a port is a number from 1 to 65535")
    return f"{host}:{int(port)}" if port else host


def _normal_host(host: str) -> str:
    if host.startswith("["):
        if ":" not in host or not is_address(host[1:-1]):
            raise ValueError("the text in brackets is not an IPv6 address")
        return host.lower()
    name = ascii_host(host)
    if not name or _NOT_IN_HOST.search(name):
        raise ValueError("its host is missing, or contains a character that no host name can contain")
    return name


def _without_dots(path: str) -> str:
    """Return the path with the segments `.` and `..` resolved (RFC 3986, 5.2.4); an escaped dot is no dot."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept[-1:] = []
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda match: quote(match[0], safe=""), text)


def joined(base: str, reference: str) -> str:
    """Return the URL that a `Location` means, from the URL of its request (RFC 3986, 5.2.2), not yet normal.

    A user name in it is left out.
    """
    at, to = parts_of(base), parts_of(reference)
    if to.scheme is not None and to.authority is None and to.scheme.lower() == at.scheme:
        to = to._replace(scheme=None)  # `http:x` is relative, as it is for browsers
    if to.scheme is not None or to.authority is not None:
        authority = (to.authority or "").rpartition("@")[2]
        return str(to._replace(scheme=to.scheme or at.scheme, authority=authority))
    if not to.path:
        return str(at._replace(query=at.query if to.query is None else to.query, fragment=to.fragment))
    path = to.path if to.path.startswith("/") else f"{at.path.rpartition('/')[0]}/{to.path}"
    return str(at._replace(path=path, query=to.query, fragment=to.fragment))


def with_query(url: str, query: str) -> str:
    """Return the URL with more parameters, which are already escaped, after those that it has."""
    if not query:
        return url
    parts = parts_of(url)
    return str(parts._replace(query="&".join(filter(None, (parts.query, query)))))


def without_fragment(url: str) -> str:
    """Return the URL without its fragment, which is never sent."""
    return url.partition("#")[0]


def target_of(url: str) -> str:
    """Return the path and query of a normal URL, as they stand in a request (RFC 9112, 3.2.1)."""
    return "/" + without_fragment(url).split("/", 3)[3]


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a normal URL."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or (443 if parts.scheme == "https" else 80),
    )
