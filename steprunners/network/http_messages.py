"""A request and its answer, and how a request changes when it is redirected."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from requests.structures import CaseInsensitiveDict

from steprunners.errors import BadConfig, StepError
from steprunners.network.cookies import CookieJar, Target, target_of
from steprunners.network.http1.answer import Answer
from steprunners.network.tls import DEFAULT_TLS, TlsOptions
from steprunners.network.urls import ASCII_SPACE, joined, normal_url, origin

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
    try:
        return normal_url(joined(url, _as_text(location).strip(ASCII_SPACE)))
    except BadConfig as error:
        raise StepError(
            f"the server redirects to '{location}', which is not an http or https URL", code="bad_redirect"
        ) from error


def _as_text(location: str) -> str:
    """Return a header as its server means it: its bytes arrive as Latin-1, but other letters than ASCII are UTF-8.

    Bytes that are not UTF-8 are asked for again as they came.
    """
    with contextlib.suppress(UnicodeError):
        return location.encode("latin-1").decode("utf-8")
    return "".join(
        each if each.isascii() else quote(each, encoding="latin-1", errors="replace") for each in location
    )


def _drop(headers: CaseInsensitiveDict[str], names: tuple[str, ...]) -> None:
    for name in names:
        headers.pop(name, None)


def _cookie_target(request: HttpRequest) -> Target:
    return target_of(request.url, request.headers.get("Host"))


def cookie_header(request: HttpRequest) -> str | None:
    """Return the value of the Cookie header that the request's jar gives (bytes read as Latin-1), or None."""
    return request.cookies.header_for(_cookie_target(request)) if request.cookies else None


def cookie_names(request: HttpRequest) -> list[str]:
    """Return the names of the cookies that the request's jar gives."""
    return request.cookies.names_for(_cookie_target(request))


def keep_cookies(request: HttpRequest, answer: Answer) -> None:
    """Put the answer's cookies into the request's jar."""
    if "set-cookie" in answer.headers:
        request.cookies.receive(answer.headers.getlist("set-cookie"), _cookie_target(request))
