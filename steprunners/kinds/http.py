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
from steprunners.clients.http.config import HttpConfig
from steprunners.clients.http.connection import HttpConnection
from steprunners.clients.http.expected_status import STATUS_FIELDS, default_status_assertion, status_assertion
from steprunners.clients.http.response_body import BodyEncoding, read_body
from steprunners.config import StepResult, Wire
from steprunners.deadline import Deadline
from steprunners.json_types import Json
from steprunners.masking.credentials import parts_of_cookie
from steprunners.network import Call, HttpRequest, HttpResponse, NetworkPolicy, send
from steprunners.network.cookies import CookieJar
from steprunners.runner import Finished, StepContext, StepRunner

NOTES = """
**The URL.** A relative `url` is appended to the resource's `baseUrl`: `/orders` on `http://shop/v1` is
`http://shop/v1/orders`. With a resource, an absolute `url` must have the same scheme, host and port, because the
request carries the resource's headers and credentials. For the same reason, if the resource has credentials, a step
cannot set another `Host`, nor `verifyTls: false` while the resource verifies (ERROR `bad_config`). A user name or
password inside the URL is refused: use `auth`.

**The request.** In `query`, `form` and `headers`, booleans are written in lower case, objects as JSON, and null is left
out. A list repeats its name in `query` and `form`. A `multipart` part has a `name`, one of `value`, `content` (text)
and `contentBase64`, and optionally `filename` and `contentType`. `Content-Length`, `Transfer-Encoding` and `Upgrade`
are set by the connection and cannot be given. An OAuth 2.0 token is fetched within the step's deadline. The worker
keeps it until it expires, and fetches a new one after a 401.

**Redirects** follow RFC 9110: 303 becomes GET, a POST becomes GET on 301 and 302, and 307 and 308 keep method and body.
`Authorization`, `Cookie`, the client certificate and all headers of the resource are removed when scheme, host or port
change. The address of each hop is checked. More than `maxRedirects` hops are an ERROR.

**Cookies** follow RFC 6265. Within a step, redirects use and set them. With `cookieJar`, later steps of the execution
that give the same name send them where host, path and `Secure` fit; ports do not count. Each cookie is kept for itself:
steps that run at the same time, and the items of a `forEach`, do not undo what others set or removed. A value goes back
byte for byte; `cookies` shows it as UTF-8, else as Latin-1. A re-run that takes over results takes over the cookies of
those steps. A domain without a dot is never set for the hosts below it. A child flow has jars of its own.

**Connections** are kept and used again. If the server has closed a kept connection, a GET, HEAD, OPTIONS or TRACE is
sent once more. No other request is ever sent twice, so its effect happens at most once for one attempt.

**The answer.** A body is parsed if its content type is JSON (or `…+json`), or if it has no content type and looks like
JSON. With NaN, Infinity, numbers beyond a double or more than 200 levels it stays text. Text is decoded by its charset,
else as UTF-8, else as Latin-1. A body that is neither JSON nor text is kept in base64. A body larger than 10 MiB after
decompression is an ERROR `response_too_large`. The deadline covers everything from the name look-up to the last byte.
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
        return f"http:{config.cookie_jar}" if config.cookie_jar else None


def _sent(request: HttpRequest, context: StepContext[HttpConnection]) -> HttpResponse:
    """Send the request. The cookies that came count even where the call ends in an error later."""
    try:
        return send(Call(context.network, context.deadline, context.cancellation), request)
    finally:
        values = request.cookies.set_texts().values()
        context.known_secrets.add(part for value in values for part in parts_of_cookie(value))
        context.session_changes.update(request.cookies.changes)


def _result(response: HttpResponse, cookies: CookieJar) -> dict[str, Json]:
    body, encoding = read_body(response.body, response.header("content-type"))
    return {
        "status": response.status,
        "reason": response.reason,
        "headers": _joined(response.headers),
        "cookies": dict(cookies.set_texts()),
        "body": body,
        "bodyEncoding": encoding,
        "sizeBytes": len(response.body),
        "url": response.url,
        "redirects": [{"status": status, "url": url} for status, url in response.redirects],
    }


def _joined(headers: list[tuple[str, str]]) -> dict[str, Json]:
    joined: dict[str, Json] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined
