"""The request of an `http` step as a curl command for bash, made by the same code that sends it.

It is made from what is stored of the step, in which secrets are masked: the command has `••••••` in their places.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from pydantic import ValidationError

from steprunners.clients.http.authentication import Auth, BasicAuth, BearerAuth
from steprunners.clients.http.building import auth_of, build_request
from steprunners.clients.http.config import HttpConfig
from steprunners.clients.http.connection import HttpConnection
from steprunners.clients.http.shell_words import as_argument, from_file, quoted
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.network import HttpRequest, TlsOptions
from steprunners.network.cookies import CookieJar
from steprunners.network.http_client import USER_AGENT
from steprunners.network.http_messages import cookie_names, redirected

# Stands for a masked value while the request is built: URL, headers and forms take letters and digits as they are.
_STAND_IN = f"m{secrets.token_hex(8)}"
_WITHOUT_BODY = frozenset(
    {"GET", "HEAD", "DELETE", "TRACE", "OPTIONS"}
)  # others are sent with Content-Length: 0
_ASKS_BEFORE = 1024 * 1024  # bytes of a body, from which on curl sends `Expect: 100-continue` first
_CURL_FOLLOWS = 50  # redirects


@dataclass(frozen=True)
class SentStep:
    """What is known of a step that has run, with its secrets masked.

    `request` is its resolved `meta`, `resource` the config of its resource, `redirects` those that were followed, as
    `(status, where to)`, and `cookies` its jar as it was then, of which only the names are shown.
    """

    request: dict[str, Json]
    resource: dict[str, Json] | None = None
    redirects: Sequence[tuple[int, str]] = ()
    cookies: CookieJar = field(default_factory=CookieJar)


def curl_command(step: SentStep) -> str:
    """Return the command. Raises StepError where it cannot be said what was sent."""
    config = _config(_replaced(step.request, MASK, _STAND_IN))
    first, auth = _first(config, _connection(_replaced(step.resource, MASK, _STAND_IN)))
    if pairs := [f"{name}={MASK}" for name in cookie_names(replace(first, cookies=step.cookies))]:
        first.headers["Cookie"] = "; ".join(filter(None, (first.headers.get("Cookie"), *pairs)))
    if auth is not None:
        first.headers["Authorization"] = ""  # so that a redirect to another server drops it
    hops = _hops(first, _replaced(step.redirects, MASK, _STAND_IN))
    return "curl " + " --next \\\n  ".join(_requests(hops, auth, config)).replace(_STAND_IN, MASK)


def _connection(values: Any) -> HttpConnection | None:
    try:
        return HttpConnection.model_validate(values) if values else None
    except ValidationError:
        return None  # what is stored of the request has its URL and headers too


def _first(config: HttpConfig, connection: HttpConnection | None) -> tuple[HttpRequest, Auth | None]:
    """Return the request and its authentication, of which an Authorization header takes the place."""
    try:
        first = _built(config, connection)
    except BadConfig:
        if connection is None:
            raise
        return _first(config, None)  # its resource leads to another server by now
    return first, None if "Authorization" in first.headers else auth_of(config, connection)


def _config(request: Any) -> HttpConfig:
    for part in request.get("multipart") or () if isinstance(request.get("multipart"), list) else ():
        if isinstance(part, dict) and _STAND_IN in str(part.get("contentBase64")):
            part["content"] = part.pop("contentBase64")  # a mask is no base64
    try:
        return HttpConfig.model_validate(request)
    except ValidationError as error:
        raise BadConfig("the stored request is not complete, so there is no command for it") from error


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {_replaced(key, old, new): _replaced(each, old, new) for key, each in value.items()}
    return [_replaced(each, old, new) for each in value] if isinstance(value, list | tuple) else value


def _built(config: HttpConfig, connection: HttpConnection | None) -> HttpRequest:
    """Build the request without authentication, which curl has options for, and without what names it in traces."""
    usual = connection.model_copy(update={"auth": None}) if connection else None
    bare = config.model_copy(update={"auth": None, "headers": _own_headers(config, usual)})
    context: Any = SimpleNamespace(trace_headers={})
    return build_request(bare, usual, context, CookieJar())


def _own_headers(config: HttpConfig, connection: HttpConnection | None) -> dict[str, Json]:
    """Return the headers without those of the resource, which no other server gets."""
    usual = {name.lower(): value for name, value in connection.headers.items()} if connection else {}
    absent = object()
    return {name: value for name, value in config.headers.items() if value != usual.get(name.lower(), absent)}


def _hops(first: HttpRequest, redirects: Sequence[Sequence[Any]]) -> list[HttpRequest]:
    hops = [first]
    for status, url in redirects:
        hops.append(redirected(hops[-1], status, url))
    return hops


def _requests(hops: list[HttpRequest], auth: Auth | None, config: HttpConfig) -> Iterator[str]:
    """Yield the arguments of each request. curl follows redirects by itself where it sends the same as the step did.

    It does not where the method changes, or headers are left out for another server (RFC 9110, 15.4).
    """
    if all(hop == replace(hops[0], url=hop.url) for hop in hops) and not (hops[1:] and _sends_body(hops[0])):
        more = [*_follow(config), *(["--cookie ''"] if hops[1:] else [])]
        yield " \\\n  ".join((*_arguments(hops[0], auth), *more))
        return
    for hop in hops:
        yield " \\\n  ".join((*_arguments(hop, auth), "--cookie ''"))


def _follow(config: HttpConfig) -> list[str]:
    if not config.follow_redirects:
        return []
    at_most = [] if config.max_redirects in (10, _CURL_FOLLOWS) else [f"--max-redirs {config.max_redirects}"]
    return ["--location", *at_most]


def _arguments(request: HttpRequest, auth: Auth | None) -> Iterator[str]:
    yield " ".join((*_method(request), quoted(request.url)))
    if set("[]{}") & set(request.url):
        yield "--globoff"  # curl would read [1-3] as three URLs
    yield from _headers(request, auth)
    yield from _tls(request.tls)
    yield from _body(request)
    yield "--compressed"


def _method(request: HttpRequest) -> list[str]:
    has_body = request.body is not None or request.method not in _WITHOUT_BODY
    if request.method == "HEAD":
        # With a body curl waits for that of the answer, which does not come.
        return ["-X HEAD --max-time 30"] if has_body else ["--head"]
    return [] if request.method == ("POST" if has_body else "GET") else [f"-X {quoted(request.method)}"]


def _headers(request: HttpRequest, auth: Auth | None) -> Iterator[str]:
    for name, value in request.headers.items():
        if name.lower() == "authorization" and auth is not None:
            yield _authorization(auth)
        else:
            yield f"-H {quoted(f'{name}: {value}' if value else f'{name};')}"
    if "User-Agent" not in request.headers:
        yield f"-H {quoted(f'User-Agent: {USER_AGENT}')}"
    if _sends_body(request) and "Content-Type" not in request.headers:
        yield "-H 'Content-Type:'"  # curl would send that of a form
    if len(request.body or b"") >= _ASKS_BEFORE and "Expect" not in request.headers:
        yield "-H 'Expect:'"


def _sends_body(request: HttpRequest) -> bool:
    return request.body is not None or request.method not in _WITHOUT_BODY


def _authorization(auth: Auth) -> str:
    if isinstance(auth, BasicAuth):
        return f"--user {quoted(f'{auth.username}:{auth.password}')}"
    token = auth.token.strip() if isinstance(auth, BearerAuth) else MASK
    return f"-H {quoted(f'Authorization: Bearer {token}')}"


def _tls(tls: TlsOptions) -> Iterator[str]:
    if not tls.verify:
        yield "--insecure"
    if tls.ca_certificate:
        yield "--cacert ca.pem"
    if tls.client_certificate:
        yield "--cert client.pem --key client-key.pem"


def _body(request: HttpRequest) -> Iterator[str]:
    if not _sends_body(request):
        return
    raw = request.body or b""
    word = as_argument(raw)
    yield f"--data-raw {word}" if word is not None else f"--data-binary @{from_file(raw)}"
