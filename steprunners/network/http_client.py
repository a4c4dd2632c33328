"""One HTTP exchange through the network policy: kept connections, redirects, a total deadline, a limit on the body.

A server may close a kept connection without our noticing. A request with a safe method (GET, HEAD, OPTIONS, TRACE) is
then sent once more on a new connection. Other requests are never sent twice. They use a connection that was used within
the last second, or a new one, so they hardly ever meet a closed connection.
"""

from __future__ import annotations

from dataclasses import replace
from http.client import HTTPException, RemoteDisconnected
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError, ReadTimeoutError
from urllib3.exceptions import TimeoutError as PoolTimeout

from steprunners.errors import BadConfig, ConnectionFailed, DeadlineExceeded, StepError
from steprunners.network.calls import Call
from steprunners.network.http_messages import (
    REDIRECT_STATUSES,
    HttpRequest,
    HttpResponse,
    cookie_header,
    keep_cookies,
    normal_url,
    origin,
    redirected,
)
from steprunners.network.http_pool import SAFE_METHODS, pool_for, sending, was_reused
from steprunners.network.tls import why_untrusted

USER_AGENT = "AsyncTestingService"
_CHUNK = 64 * 1024
_DEFAULT_HEADERS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}


def send(call: Call, request: HttpRequest) -> HttpResponse:
    """Send the request, follow its redirects and read the answer's body.

    Raises BadConfig (not a URL), AddressRefused, ConnectionFailed, DeadlineExceeded, Cancelled, or StepError
    with one of the codes `bad_response`, `bad_redirect`, `too_many_redirects`, `response_too_large`.
    """
    if (url := normal_url(request.url)) != request.url:
        request = replace(request, url=url)
    with call.guarded():
        try:
            return _exchange(call, request)
        except OSError as error:
            raise _explained(call, error) from error
        except ValueError as error:
            # http.client refuses what would break the framing; its message shows the value, which may be a secret.
            raise BadConfig(
                "the request cannot be written as HTTP: its method, URL or a header contains a control character"
            ) from error


def _exchange(call: Call, request: HttpRequest) -> HttpResponse:
    redirects: list[tuple[int, str]] = []
    while True:
        response = _send_once(call, request)
        keep_cookies(request, response)
        location = response.headers.get("location")
        if not request.follow_redirects or response.status not in REDIRECT_STATUSES or location is None:
            return _answer(call, request, response, redirects)
        _let_go(response)
        redirects.append((response.status, request.url))
        request = redirected(request, response.status, location)
        if len(redirects) > request.max_redirects:
            raise StepError(
                f"more than {request.max_redirects} redirects, the next to {request.url}",
                code="too_many_redirects",
            )


def _let_go(response: BaseHTTPResponse) -> None:
    """Keep the connection of an unread answer where little of it is left to read; else close it."""
    length = response.headers.get("content-length", "")
    if length.isdigit() and int(length) <= _CHUNK:
        response.drain_conn()
    else:
        response.close()


def _send_once(call: Call, request: HttpRequest) -> BaseHTTPResponse:
    try:
        return _attempt(call, request, must_be_new=False)
    except ProtocolError as error:
        if not (was_reused() and request.method in SAFE_METHODS and _nothing_came(error)):
            raise _explained(call, error) from error
    except (HTTPError, HTTPException) as error:
        raise _explained(call, error) from error
    try:
        return _attempt(call, request, must_be_new=True)
    except (HTTPError, HTTPException) as error:
        raise _explained(call, error) from error


def _nothing_came(error: ProtocolError) -> bool:
    return any(isinstance(cause, RemoteDisconnected | ConnectionError) for cause in error.args)


def _attempt(call: Call, request: HttpRequest, *, must_be_new: bool) -> BaseHTTPResponse:
    call.check()
    scheme, host, port = origin(request.url)
    pool = pool_for(call, request.tls, scheme, host, port)
    parts = urlsplit(request.url)
    timeout = max(call.deadline.remaining(), 0.001)
    with sending(call, request.method, must_be_new=must_be_new):
        return pool.urlopen(
            request.method,
            f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/",
            body=request.body,
            headers=_headers(request),
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=timeout,
            preload_content=False,
            decode_content=False,
        )


def _headers(request: HttpRequest) -> dict[str, str]:
    given = request.headers
    headers = {name: value for name, value in _DEFAULT_HEADERS.items() if name not in given}
    headers.update((name, _as_written(value)) for name, value in given.items())
    if (cookies := cookie_header(request)) is not None:
        own = [headers.pop(name) for name in given if name.lower() == "cookie"]
        headers["Cookie"] = "; ".join([*filter(None, own), cookies])  # the jar's bytes, as they came
    return headers


def _as_written(text: str) -> str:
    """Return text that http.client, which writes Latin-1, sends as UTF-8, which servers read it as."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")


def _answer(
    call: Call,
    request: HttpRequest,
    response: BaseHTTPResponse,
    redirects: list[tuple[int, str]],
) -> HttpResponse:
    try:
        body = _read(call, response)
    except (HTTPError, HTTPException) as error:
        response.close()
        raise _explained(call, error) from error
    if response.status == 101:
        response.close()  # the connection now speaks another protocol
    return HttpResponse(
        status=response.status,
        reason=response.reason or "",
        headers=list(response.headers.iteritems()),
        body=body,
        url=request.url,
        redirects=redirects,
    )


def _read(call: Call, response: BaseHTTPResponse) -> bytes:
    chunks: list[bytes] = []
    size, limit = 0, call.policy.max_body_bytes
    encoded = "content-encoding" in response.headers
    while chunk := response.read(_CHUNK, decode_content=encoded):
        size += len(chunk)
        if size > limit:
            response.close()
            raise StepError(f"the body is larger than {limit:,} bytes", code="response_too_large")
        chunks.append(chunk)
        if response.closed and not encoded:  # at its end; a decoder may still have data
            break
    # A socket that was shut down at the deadline looks like the regular end of a body without a length.
    call.check()
    response.release_conn()
    return b"".join(chunks)


def _explained(call: Call, error: Exception) -> StepError:
    """Return the step's error; a deadline or cancellation takes precedence."""
    try:
        call.check()
    except StepError as over:
        return over
    if isinstance(error, ReadTimeoutError | PoolTimeout | TimeoutError):
        return DeadlineExceeded(f"no complete answer within {round(call.deadline.seconds * 1000)} ms")
    if (reason := why_untrusted(error)) is not None:
        return ConnectionFailed(f"no safe connection to the server: {reason}")
    if isinstance(error, DecodeError):
        return StepError("the body does not match its content-encoding", code="bad_response")
    return _lost(error)


def _lost(error: Exception) -> StepError:
    cause = next((each for each in error.args if isinstance(each, Exception)), error)
    if isinstance(cause, RemoteDisconnected):
        return ConnectionFailed("the server closed the connection without an answer")
    if isinstance(cause, ConnectionResetError | BrokenPipeError):
        return ConnectionFailed("the server reset the connection")
    if "IncompleteRead" in repr(error):
        return ConnectionFailed("the server closed the connection in the middle of the body")
    if isinstance(cause, HTTPException | HTTPError):
        return StepError(f"the answer is not valid HTTP: {cause}", code="bad_response")
    return ConnectionFailed(f"the connection was lost: {cause}")
