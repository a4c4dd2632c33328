"""One HTTP exchange through the network policy: kept connections, redirects, a total deadline, a limit on the body.

A server may close a kept connection without our noticing. A request with a safe method (GET, HEAD, OPTIONS, TRACE) is
then sent once more on a new connection. Other requests are never sent twice, so they get a new connection at once: a
kept one may be lost before the first byte of an answer, which tells nothing about the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from steprunners.errors import BadConfig, ConnectionFailed, DeadlineExceeded, StepError
from steprunners.network.calls import Call
from steprunners.network.http1.answer import Answer
from steprunners.network.http1.stream import Unanswered
from steprunners.network.http_messages import (
    REDIRECT_STATUSES,
    HttpRequest,
    HttpResponse,
    cookie_header,
    keep_cookies,
    redirected,
)
from steprunners.network.http_pool import Connection, kept_connection, new_connection
from steprunners.network.tls import why_untrusted
from steprunners.network.urls import normal_url, origin, target_of

USER_AGENT = "AsyncTestingService"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
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
        except StepError:
            call.check()  # a socket that was shut down at the deadline looks like one that the server closed
            raise
        except OSError as error:
            call.check()
            raise _explained(call, error) from error
        except ValueError as error:
            # http.client refuses what would break the framing; its message shows the value, which may be a secret.
            raise BadConfig(
                "the request cannot be written as HTTP: its method, URL or a header contains a control character"
            ) from error


def _exchange(call: Call, request: HttpRequest) -> HttpResponse:
    redirects: list[tuple[int, str]] = []
    while True:
        with _answered(call, request) as answer:
            keep_cookies(request, answer)
            location = answer.headers.get("location")
            if not request.follow_redirects or answer.status not in REDIRECT_STATUSES or location is None:
                return _response(call, request, answer, redirects)
            answer.skip()
        redirects.append((answer.status, request.url))
        request = redirected(request, answer.status, location)
        if len(redirects) > request.max_redirects:
            raise StepError(
                f"more than {request.max_redirects} redirects, the next to {request.url}",
                code="too_many_redirects",
            )


@contextmanager
def _answered(call: Call, request: HttpRequest) -> Iterator[Answer]:
    """Give the answer to one request; at the end of the block its connection is kept or closed."""
    connection, answer = _send_once(call, request)
    try:
        yield answer
    finally:
        connection.release()


def _send_once(call: Call, request: HttpRequest) -> tuple[Connection, Answer]:
    call.check()
    server = (call, request.tls, *origin(request.url))
    kept = kept_connection(*server)
    if kept is not None and request.method in SAFE_METHODS:
        with suppress(Unanswered):
            return kept, _ask(kept, request)
        call.check()
    connection = new_connection(*server, instead_of=kept)
    return connection, _ask(connection, request)


def _ask(connection: Connection, request: HttpRequest) -> Answer:
    try:
        return connection.ask(request.method, target_of(request.url), request.body, _headers(request))
    except BaseException:
        connection.close()
        raise


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


def _response(
    call: Call,
    request: HttpRequest,
    answer: Answer,
    redirects: list[tuple[int, str]],
) -> HttpResponse:
    body = answer.read(call.policy.max_body_bytes)
    # A socket that was shut down at the deadline looks like the regular end of a body without a length.
    call.check()
    return HttpResponse(
        status=answer.status,
        reason=answer.reason,
        headers=list(answer.headers.iteritems()),
        body=body,
        url=request.url,
        redirects=redirects,
    )


def _explained(call: Call, error: OSError) -> StepError:
    if isinstance(error, TimeoutError):
        return DeadlineExceeded(f"no complete answer within {round(call.deadline.seconds * 1000)} ms")
    if (reason := why_untrusted(error)) is not None:
        return ConnectionFailed(f"no safe connection to the server: {reason}")
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return ConnectionFailed("the server reset the connection")
    return ConnectionFailed(f"the connection was lost: {error}")
