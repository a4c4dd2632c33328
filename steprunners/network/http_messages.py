"""A request and its answer, and how a request changes when it is redirected."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import quote

from requests import PreparedRequest
from requests.cookies import MockRequest, MockResponse, RequestsCookieJar, get_cookie_header
from requests.structures import CaseInsensitiveDict

from steprunners.errors import BadConfig, StepError
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
    cookies: CookieJar = field(default_factory=RequestsCookieJar)
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
    set_cookies: dict[str, str]

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


def _cookie_view(request: HttpRequest) -> PreparedRequest:
    view = PreparedRequest()
    view.url, view.headers = request.url, CaseInsensitiveDict(request.headers)
    view.headers.pop("Cookie", None)  # the jar gives nothing where there is one
    return view


def cookie_header(request: HttpRequest) -> str | None:
    """Return the value of the Cookie header that the request's jar gives, or None."""
    if not len(request.cookies):
        return None
    header: str | None = get_cookie_header(request.cookies, _cookie_view(request))  # type: ignore[no-untyped-call]  # theirs
    return header


def keep_cookies(request: HttpRequest, answer: Answer) -> dict[str, str]:
    """Put the answer's cookies into the request's jar, and return those that it set."""
    if "set-cookie" not in answer.headers:
        return {}
    fresh = RequestsCookieJar()
    received: Any = MockResponse(answer.headers)
    for jar in (request.cookies, fresh):
        asked: Any = MockRequest(_cookie_view(request))
        jar.extract_cookies(received, asked)
    return {cookie.name: cookie.value or "" for cookie in fresh}
