"""Builds the request of an `http` step from its config and its resource."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from requests.structures import CaseInsensitiveDict

from steprunners.clients.http.authentication import Auth, authorization
from steprunners.clients.http.config import HttpConfig
from steprunners.clients.http.connection import HttpConnection
from steprunners.clients.http.content_type import body_with_type
from steprunners.clients.http.request_body import encode_query
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.network import HttpRequest, TlsOptions
from steprunners.network.cookies import CookieJar
from steprunners.network.urls import ASCII_SPACE, normal_url, origin, with_query
from steprunners.runner import StepContext
from steprunners.values.sent_text import as_text

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_UNSAFE_IN_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# These headers frame the messages: with a wrong one an answer could be taken for that of the next request.
_FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding", "upgrade"})


def build_request(
    config: HttpConfig,
    connection: HttpConnection | None,
    context: StepContext[HttpConnection],
    cookies: CookieJar,
) -> HttpRequest:
    """Return the request, with a token where the authentication needs one. Raises StepError."""
    if connection is not None and connection.holds_secrets():
        _check_protection(config, connection)
    tls = tls_options(config, connection)
    usual = connection.headers if connection else {}
    headers = _headers({**context.trace_headers, **usual}, config.headers)
    body = body_with_type(config, headers)
    auth = auth_of(config, connection)
    if auth is not None and "Authorization" not in headers:
        headers["Authorization"] = _safe(
            "meta.auth", authorization(auth, token_tls(config, connection), context)
        )
    return HttpRequest(
        method=config.method,
        url=_url(config, connection),
        headers=headers,
        body=body,
        tls=tls,
        follow_redirects=config.follow_redirects,
        max_redirects=config.max_redirects,
        cookies=cookies,
        for_origin=tuple({name.lower() for name in usual} - {name.lower() for name in config.headers}),
    )


def auth_of(config: HttpConfig, connection: HttpConnection | None) -> Auth | None:
    """Return the authentication of the step, or else that of the resource."""
    return config.auth or (connection.auth if connection else None)


def tls_options(config: HttpConfig, connection: HttpConnection | None) -> TlsOptions:
    """Return how the server's certificate is verified; `verifyTls: false` in the step or the resource is enough."""
    if connection is None:
        return TlsOptions(verify=config.verify_tls)
    return resource_tls(connection, verify=config.verify_tls)


def token_tls(config: HttpConfig, connection: HttpConnection | None) -> TlsOptions:
    """Return the TLS options of a token request: only `auth` of the resource may use the resource's certificate."""
    tls = tls_options(config, connection)
    return tls if config.auth is None else tls.without_client()


def _check_protection(config: HttpConfig, connection: HttpConnection) -> None:
    """Raise BadConfig where the step would protect the resource's credentials less, or send them to another server.

    The author of a flow may use a resource without knowing its secrets.
    """
    if connection.verify_tls and not config.verify_tls:
        raise BadConfig(
            "meta.verifyTls: the resource verifies its server, so its credentials must not go to an unverified one: "
            "change verifyTls of the resource, or leave out resourceId"
        )
    given, usual = _host_in(config.headers), _host_in(connection.headers)
    server = urlsplit(normal_url(connection.base_url))
    if given is not None and given not in ([usual] if usual else [server.netloc.lower(), server.hostname]):
        raise BadConfig(
            "meta.headers.Host: another Host would let another virtual host get the resource's credentials: "
            "give Host in the resource, or leave out resourceId"
        )


def _host_in(headers: dict[str, Json]) -> str | None:
    found = next((value for name, value in headers.items() if name.lower() == "host"), None)
    return None if found is None else as_text(found).strip().lower()


def resource_tls(connection: HttpConnection, *, verify: bool = True) -> TlsOptions:
    """Return how the resource verifies its server's certificate; `verify=False` switches that off."""
    return TlsOptions(
        verify=verify and connection.verify_tls,
        ca_certificate=connection.ca_certificate or None,
        client_certificate=connection.client_certificate or None,
        client_key=connection.client_key or None,
    )


def resource_headers(connection: HttpConnection) -> CaseInsensitiveDict[str]:
    """Return the headers of every request to the resource, except its credentials."""
    return _headers(connection.headers, {}, place="config.headers")


def _url(config: HttpConfig, connection: HttpConnection | None) -> str:
    url = normal_url(absolute_url(config.url, connection))
    if connection is not None and origin(url) != origin(normal_url(connection.base_url)):
        raise BadConfig(
            "meta.url leads to another server than the resource's baseUrl, and that server would get the "
            "resource's headers and credentials: leave out resourceId"
        )
    return with_query(url, encode_query(config.query))


def absolute_url(url: str, connection: HttpConnection | None) -> str:
    """Append a relative URL to the base URL: `/orders` on `http://shop/v1` is `http://shop/v1/orders`.

    Raises BadConfig where there is no base URL.
    """
    url = url.strip(ASCII_SPACE)
    if _ABSOLUTE.match(url):
        return url
    if connection is None:
        raise BadConfig(f"meta.url '{url}' is not absolute, and the step names no resource with a baseUrl")
    base = connection.base_url.rstrip("/")
    return base + url if url[:1] in ("", "?", "#") else f"{base}/{url.removeprefix('/')}"


def _headers(
    defaults: dict[str, Json], given: dict[str, Json], *, place: str = "meta.headers"
) -> CaseInsensitiveDict[str]:
    _check_names(given, place)
    merged = {name.lower(): (name, value) for name, value in (*defaults.items(), *given.items())}
    headers = CaseInsensitiveDict[str]()
    for name, value in merged.values():
        text = as_text(value).strip(" \t") if value is not None else None
        if not _HEADER_NAME.match(name):
            raise BadConfig(f"{place}: '{name}' is not a valid header name")
        if name.lower() in _FRAMING_HEADERS:
            raise BadConfig(f"{place}: {name} is set by the connection and cannot be given")
        if text is not None:
            headers[name] = _safe(f"{place}.{name}", text)
    return headers


def _check_names(given: dict[str, Json], place: str) -> None:
    """Raise BadConfig where a name is given twice: one value would be lost."""
    names = [name.lower() for name in given]
    for name in given if len(set(names)) < len(names) else ():
        if names.count(name.lower()) > 1:
            raise BadConfig(
                f"{place}: '{name}' is given twice, upper and lower case are the same in header names"
            )


def _safe(place: str, text: str) -> str:
    """Return a header's value; raise BadConfig where it could end the header and begin another."""
    if _UNSAFE_IN_HEADER.search(text):
        raise BadConfig(f"{place}: the value contains a line break or another control character")
    return text
