"""`http`: sends one request, follows its redirects, and parses the answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from steprunners.assertions.evaluation import Assertion
from steprunners.clients.http.authentication import forget_token
from steprunners.clients.http.building import auth_of, build_request, token_tls
from steprunners.clients.http.checking import check_server
from steprunners.clients.http.config import HttpConfig, session_of_jar
from steprunners.clients.http.connection import HttpConnection
from steprunners.clients.http.expected_status import STATUS_FIELDS, default_status_assertion, status_assertion
from steprunners.clients.http.response_body import BodyEncoding, read_body
from steprunners.clients.http.shown_request import shown_request
from steprunners.config import StepResult, Wire
from steprunners.deadline import Deadline
from steprunners.json_types import Json
from steprunners.masking.credentials import parts_of_cookie
from steprunners.network import Call, HttpRequest, HttpResponse, NetworkPolicy, header_text, send
from steprunners.network.cookies import CookieJar
from steprunners.runner import Finished, StepContext, StepRunner

NOTES = """
**The URL.** A relative `url` is appended to the resource's `baseUrl`: `/orders` on `http://shop/v1` is
`http://shop/v1/orders`. With a resource, an absolute `url` must have the same scheme, host and port, because the
request carries the resource's headers and credentials. For the same reason, if the resource has credentials, a step
cannot set another `Host`, nor `verifyTls: false` while the resource verifies (ERROR `bad_config`). A user name or
password inside the URL is refused: use `auth`. What is escaped (`%C3`) is sent as it is written, a `%` that escapes
nothing becomes `%25`, and other characters that a URL cannot contain are escaped. `.` and `..` in the path are
resolved, and a host is looked up as browsers do it (UTS #46). The stored request shows the URL that was sent.

**The request.** In `query`, `form` and `headers`, booleans are written in lower case, objects as JSON, and null is left
out. JSON has no spaces between its parts, wherever it is sent or signed. A space is `%20` in `query` and `+` in `form`.
A list repeats its name in `query` and `form`. A `multipart` part has a `name`, one of `value`, `content` (text) and
`contentBase64`, and optionally `filename` and `contentType`. `Content-Length`, `Transfer-Encoding` and `Upgrade` are
set by the connection and cannot be given.

**Content-Type** is what the step writes in `headers`. Otherwise a `form` or `multipart` has its own type, whatever the
resource's headers say, and for `body` the resource's type comes before `application/json`. The `boundary` of the parts
is added to a `multipart/…` type that has none.

**OAuth 2.0.** A token is fetched within the step's deadline. The worker keeps it until it expires, and fetches a new
one after a 401.

**Redirects** follow RFC 9110: 303 becomes GET, a POST becomes GET on 301 and 302, and 307 and 308 keep method and body.
`Authorization`, `Cookie`, the client certificate and all headers of the resource are removed when scheme, host or port
change. The address of each hop is checked. More than `maxRedirects` hops are an ERROR.

**Cookies** follow RFC 6265. Within a step, redirects use and set them. With `cookieJar`, later steps of the execution
that give the same name send them where host, path and `Secure` fit; ports do not count. Each cookie is kept for itself:
steps that run at the same time, and the items of a `forEach`, do not undo what others set or removed. A value goes back
byte for byte; `cookies` shows it as UTF-8, else as Latin-1. A re-run that takes over results takes over the cookies of
those steps. A domain without a dot is never set for the hosts below it. A child flow has jars of its own.

**Connections** are kept, and a GET, HEAD, OPTIONS or TRACE uses them again. If the server has closed a kept connection,
such a request is sent once more on a new one. Every other request gets a new connection and is never sent twice. So its
effect happens at most once for one attempt, and it never fails because a server closed an idle connection.

**Framing** follows RFC 9112. A line among the headers that has no name or no colon is left out if another header tells
the length of the body. Bodies in gzip, deflate, br and zstd are decoded; a request asks for gzip and deflate, unless it
has its own `Accept-Encoding`. An answer that is not valid HTTP, a body in another coding, and a compressed body that is
damaged or incomplete are an ERROR `bad_response`. An answer that is cut off is an ERROR `connection_failed`.

**The answer.** A body is parsed if its content type is JSON (or `…+json`), or if it has no content type and looks like
JSON. With NaN, Infinity, numbers beyond a double or more than 200 levels it stays text. A path into a body that is text
has no value, and the message says why it is text. JSON is UTF-8, 16 or 32, whatever its charset says; only what is none
of these is read by its charset. A body that is neither JSON nor text, or contains a NUL, is kept in base64. A body
larger than 10 MiB after decompression is an ERROR `response_too_large`. The deadline covers everything from the name
look-up to the last byte.

**Text** is decoded as browsers do it (WHATWG Encoding): by its byte order mark; else by the charset of its content type
(`iso-8859-1` means Windows-1252, `gb2312` means GB 18030); else by what the document declares (`<?xml encoding=…?>`,
`<meta charset=…>`, `@charset`); else as UTF-8, or as Windows-1252 if it is not valid UTF-8. Bytes that do not belong to
the charset become U+FFFD. Headers and `reason` are UTF-8, or Latin-1 if they are not valid UTF-8.

**`bodyText`** is the text as it came, beside a parsed body: for signatures, and for comparing character by character.
If `body` is text itself there is no `bodyText`. It is the first part that is left out of a result that is too large to
be stored whole; assertions and `extract` of the same step still see it.
""".strip()


class Redirect(Wire):
    """One hop on the way to the answer."""

    status: int
    url: str


class HttpResult(StepResult):
    """The final answer."""

    status: int
    reason: str
    headers: dict[str, str] = Field(description="Lower-case names; repeated ones joined by ', '.")
    cookies: dict[str, str] = Field(description="The cookies that the answers of this call set.")
    body: Json = Field(description="Parsed if it is JSON.")
    body_text: str | None = Field(
        None, description="The text as it came, beside a parsed body; a body that is text has none."
    )
    body_encoding: BodyEncoding
    size_bytes: int = Field(description="The size of the decoded body.")
    url: str = Field(description="The URL of the answer, after redirects.")
    redirects: list[Redirect]


class HttpRunner(StepRunner[HttpConfig, HttpConnection]):
    """Sends one request and returns its answer, whatever its status."""

    type = "http"
    label = "HTTP request"
    description = "Sends an HTTP request, follows redirects, and returns status, headers and body."
    notes = NOTES
    result_class = HttpResult
    resource_type = "http"
    envelope_keys: ClassVar[Mapping[str, str]] = {"timeout": "timeoutMs", "assertions": "assertions"}
    example: ClassVar[dict[str, Any]] = {
        "name": "create_order",
        "stepType": "http",
        "meta": {
            "method": "POST",
            "url": "${base_url}/orders",
            "headers": {"X-Request-Id": "${uuid()}"},
            "body": {"sku": "tea", "quantity": 2},
            "expectedStatus": 201,
            "expectedResponse": {"id": "any.string", "quantity": 2},
        },
        "timeoutMs": 5000,
        "extract": {"order_id": "body.id"},
    }

    def check(self, connection: HttpConnection, network: NetworkPolicy, deadline: Deadline) -> str:
        """Send a GET to baseUrl; any status but a refused login is fine. Raises StepError."""
        return check_server(connection, network, deadline)

    def shown_request(self, request: dict[str, Json], connection: HttpConnection | None) -> dict[str, Json]:
        """Return the request with its URL and the headers of its resource as they are sent."""
        return shown_request(request, connection)

    def run(self, config: HttpConfig, context: StepContext[HttpConnection]) -> Finished:
        """Send the request; raise StepError where there is no answer."""
        started = time.monotonic()
        connection = context.connection
        cookies = CookieJar(context.session)
        response = _sent(build_request(config, connection, context, cookies), context)
        if response.status == 401:
            forget_token(auth_of(config, connection), token_tls(config, connection), context)
        result = _result(response, cookies)
        result["durationMs"] = round((time.monotonic() - started) * 1000)
        return Finished(result)

    def expectations(self, config: HttpConfig, fields: frozenset[str]) -> list[Assertion]:
        """Return the assertions of `expectedStatus` and `expectedResponse`; 2xx or 3xx if nothing checks the status."""
        expected: list[Assertion] = []
        if config.expected_status is not None:
            expected.append(status_assertion(config.expected_status))
        elif not fields & STATUS_FIELDS:
            expected.append(default_status_assertion())
        if config.expected_response is not None:
            expected.append(
                Assertion(field="body", operator="matchesShape", expected_value=config.expected_response)
            )
        return expected

    def session_key(self, config: HttpConfig) -> str | None:
        """Return the name of the cookie jar."""
        return session_of_jar(config.cookie_jar) if config.cookie_jar else None


def _sent(request: HttpRequest, context: StepContext[HttpConnection]) -> HttpResponse:
    """Send the request. The cookies that came count even where the call ends in an error later."""
    try:
        return send(Call(context.network, context.deadline, context.cancellation), request)
    finally:
        values = request.cookies.set_texts().values()
        context.known_secrets.add(part for value in values for part in parts_of_cookie(value))
        context.session_changes.update(request.cookies.changes)


def _result(response: HttpResponse, cookies: CookieJar) -> dict[str, Json]:
    body, encoding, text = read_body(response.body, response.header("content-type"))
    result: dict[str, Json] = {
        "status": response.status,
        "reason": header_text(response.reason),
        "headers": _joined(response.headers),
        "cookies": dict(cookies.set_texts()),
        "body": body,
        "bodyEncoding": encoding,
        "sizeBytes": len(response.body),
        "url": response.url,
        "redirects": [{"status": status, "url": url} for status, url in response.redirects],
    }
    return result if text is None else {**result, "bodyText": text}


def _joined(headers: list[tuple[str, str]]) -> dict[str, Json]:
    joined: dict[str, Json] = {}
    for name, value in headers:
        key, text = header_text(name).lower(), header_text(value)
        joined[key] = f"{joined[key]}, {text}" if key in joined else text
    return joined
