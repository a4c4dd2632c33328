"""A request and its answer, and how a request changes when it is redirected."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from requests import PreparedRequest
from requests.exceptions import RequestException
from requests.structures import CaseInsensitiveDict
from urllib3 import BaseHTTPResponse

from steprunners.errors import BadConfig, StepError
from steprunners.masking.known_secrets import reason_about
from steprunners.network.cookies import CookieJar, Target, target_of
from steprunners.network.tls import DEFAULT_TLS, TlsOptions

# Credentials for one server only.
_CREDENTIAL_HEADERS = ("Authorization", "Cookie", "Proxy-Authorization")
_BODY_HEADERS = ("Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-Length")
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class HttpRequest:
    """What to send. `url` is absolute; `cookies` are sent where they apply, and receive those of the answers.

    `for_origin` are the names of headers that only the server of `url` may get, even if it redirects.
    """

    method: str
    url: str
    headers: CaseInsensitiveDict[str] = field(default_factory=CaseInsensitiveDict)
    body: bytes | None = None
    tls: TlsOptions = DEFAULT_TLS
    follow_redirects: bool = True
    max_redirects: int = 10
    cookies: CookieJar = field(default_factory=CookieJar)
    for_origin: tuple[str, ...] = ()


@dataclass(frozen=True)
class HttpResponse:
    """The final answer; `url` is where it came from, `redirects` are the `(status, url)` that led there."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    url: str
    redirects: list[tuple[int, str]]

    def header(self, name: str) -> str | None:
        """Return the header's values joined by ", ", or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


@lru_cache(maxsize=256)
def normal_url(url: str) -> str:
    """Return the absolute URL as it is sent: IDNA host, unsafe characters quoted. Raises BadConfig."""
    prepared = PreparedRequest()
    try:
        prepared.prepare_url(url, None)
        parts = urlsplit(prepared.url or "")
        port = parts.port
    except (RequestException, ValueError, UnicodeError) as error:
        raise BadConfig(f"'{url}' is not a URL: {reason_about(url, str(error))}") from error
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or port == 0:
        raise BadConfig(f"'{url}' is not an absolute http or https URL")
    if "@" in parts.netloc:
        raise BadConfig("a URL must not contain a user name or password, because URLs are shown: use auth")
    return urlunsplit(parts._replace(scheme=parts.scheme.lower()))


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a normal URL."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or (443 if parts.scheme == "https" else 80),
    )


def redirected(request: HttpRequest, status: int, location: str) -> HttpRequest:
    """Return the request that follows a redirect (RFC 9110, section 15.4).

    303 turns everything except HEAD into GET, 301 and 302 turn POST into GET; 307 and 308 keep method and body.
    Credentials are removed when scheme, host or port change.
    """
    url = _target(request.url, location)
    headers = request.headers.copy()
    method, body = request.method, request.body
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, body = "GET", None
        _drop(headers, _BODY_HEADERS)
    tls = request.tls
    if origin(url) != origin(request.url):
        _drop(headers, (*_CREDENTIAL_HEADERS, *request.for_origin, "Host"))
        tls = tls.without_client()
    return replace(request, method=method, url=url, headers=headers, body=body, tls=tls)


def _target(url: str, location: str) -> str:
    # Header bytes arrive as Latin-1; servers that send other letters mean UTF-8.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        target, fragment = urldefrag(urljoin(url, location.strip()))
        parts = urlsplit(target)
        clean = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        return normal_url(f"{clean}#{fragment}" if fragment else clean)
    except (BadConfig, ValueError) as error:
        raise StepError(
            f"the server redirects to '{location}', which is not an http or https URL", code="bad_redirect"
        ) from error


def _drop(headers: CaseInsensitiveDict[str], names: tuple[str, ...]) -> None:
    for name in names:
        headers.pop(name, None)


def _cookie_target(request: HttpRequest) -> Target:
    return target_of(request.url, request.headers.get("Host"))


def cookie_header(request: HttpRequest) -> str | None:
    """Return the value of the Cookie header that the request's jar gives (bytes read as Latin-1), or None."""
    return request.cookies.header_for(_cookie_target(request)) if request.cookies else None


def keep_cookies(request: HttpRequest, response: BaseHTTPResponse) -> None:
    """Put the answer's cookies into the request's jar."""
    if "set-cookie" in response.headers:
        request.cookies.receive(response.headers.getlist("set-cookie"), _cookie_target(request))
