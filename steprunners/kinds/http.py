"""`http`: one request, its redirects followed, its answer parsed."""

from __future__ import annotations

import time
from typing import Annotated, Any, ClassVar, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from requests.cookies import RequestsCookieJar

from steprunners.assertions.judging import Assertion
from steprunners.clients.bindings import AUTHORITY, FREE, SERVER, VERIFIES, Binding
from steprunners.clients.http.authentication import Auth, forget_token
from steprunners.clients.http.building import auth_of, build_request, token_tls
from steprunners.clients.http.checking import check_server
from steprunners.clients.http.cookies import dump_cookies, load_cookies
from steprunners.clients.http.expected_status import (
    STATUS_FIELDS,
    ExpectedStatus,
    check_expected_status,
    default_status_assertion,
    status_assertion,
)
from steprunners.clients.http.request_body import MultipartPart
from steprunners.clients.http.response_body import BodyEncoding, read_body
from steprunners.config import ConnectionConfig, Secret, StepConfig, StepResult, Wire
from steprunners.deadline import Deadline
from steprunners.json_types import Json
from steprunners.masking.secret_names import tells_secret
from steprunners.network import Call, HttpResponse, NetworkPolicy, send
from steprunners.references.resolution import Grammar
from steprunners.runner import Finished, StepContext, StepRunner

NOTES = """
**Where it goes.** A relative `url` is put behind the resource's `baseUrl`, path behind path: `/orders` on
`http://shop/v1` is `http://shop/v1/orders`. With a resource, an absolute `url` must lead to the same scheme, host and
port, because the resource's headers and credentials go with it. For the same reason a step whose resource has
credentials cannot say `verifyTls: false` where the resource verifies, nor another `Host` (ERROR `bad_config`). A user
name or password inside the URL is refused: use `auth`.

**What it sends.** In `query`, `form`, and `headers`, booleans are written in lower case, objects as JSON, and null is
left out; a list repeats its name in `query` and `form`. A `multipart` part has a `name` and one of `value`, `content`
(text) and `contentBase64`, and optionally `filename` and `contentType`. `Content-Length`, `Transfer-Encoding` and
`Upgrade` belong to the connection and cannot be given. An OAuth 2.0 token is fetched within the step's deadline, kept
by the worker until it runs out, and fetched anew after a 401.

**Redirects** are followed by the rules of RFC 9110: 303 becomes GET, a POST becomes GET on 301 and 302, 307 and 308
keep method and body. `Authorization`, `Cookie`, the client certificate and all headers of the resource stay behind when
scheme, host or port change. Each hop passes the network guard. A circle or more than `maxRedirects` hops is an ERROR.

**Connections** are kept and used again. A GET, HEAD, OPTIONS or TRACE whose kept connection turns out to be closed is
sent once more; no other request is ever sent twice, so its effect happens at most once for one attempt.

**What it makes of the answer.** A body whose content type is JSON (or `…+json`), or that has no content type and looks
like JSON, is parsed; with NaN, Infinity, numbers beyond a double or more than 200 levels it stays text. Text is decoded
by its charset, else as UTF-8, else as Latin-1; what is neither JSON nor text is kept in base64. A body larger than
10 MiB after decompression is an ERROR `response_too_large`. The deadline holds from the name look-up to the last byte.
""".strip()


def _method(value: Any) -> Any:
    method = value.strip().upper() if isinstance(value, str) else value
    if method == "CONNECT":
        raise ValueError("CONNECT opens a tunnel, which this step cannot use")
    return method


def _as_parts(value: Any) -> Any:
    return (
        [{"name": name, "value": each} for name, each in value.items()] if isinstance(value, dict) else value
    )


def _check_base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError("baseUrl begins with http:// or https:// and a host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("baseUrl holds no user name, password, query or fragment")
    return value


def _virtual_host(headers: dict[str, Json]) -> Json:
    return next((str(value).lower() for name, value in headers.items() if name.lower() == "host"), None)


class HttpConnection(ConnectionConfig):
    """A server: where it is, and what every request to it carries."""

    base_url: Annotated[str, AfterValidator(_check_base_url), SERVER] = Field(
        description="What a step's relative url is put behind, such as https://shop.example/api."
    )
    headers: Annotated[dict[str, Json], Binding(meaning=_virtual_host)] = Field(
        default_factory=dict,
        json_schema_extra={"secretEntries": True},
        description=(
            "Sent with every request. Values of those whose names tell a secret (Authorization, Cookie, X-Api-Key, "
            "…token…) are never shown again."
        ),
    )
    auth: Annotated[Auth | None, Field(json_schema_extra={"writeOnly": True})] = Field(
        None, description="basic, bearer or oauth2ClientCredentials."
    )
    verify_tls: Annotated[bool, VERIFIES] = Field(
        True, description="Whether the server's certificate must be valid."
    )
    ca_certificate: Annotated[str | None, AUTHORITY] = Field(
        None, description="A further authority to trust, in PEM form."
    )
    client_certificate: Annotated[str | None, FREE] = Field(
        None, description="The certificate to show to the server, in PEM form."
    )
    client_key: Secret | None = Field(
        None, description="The key of clientCertificate, in PEM form, without a password."
    )

    def holds_secrets(self) -> bool:
        """Whether requests to the server carry something that others must not read."""
        headers = any(value is not None and tells_secret(name) for name, value in self.headers.items())
        return headers or self.auth is not None or bool(self.client_key)

    def check(self, network: NetworkPolicy, deadline: Deadline) -> str:
        """Ask for baseUrl; whatever status the server answers with, it is there. Raises StepError."""
        return check_server(self, network, deadline)


class HttpConfig(StepConfig):
    """What to ask, and what to expect."""

    grammars: ClassVar = {"url": Grammar.URL, "headers.*": Grammar.HEADER}

    url: str = Field(
        min_length=1, max_length=16_000, description="Absolute, or relative to the resource's baseUrl."
    )
    method: Annotated[str, BeforeValidator(_method)] = Field("GET", pattern=r"^[A-Z][A-Z0-9_-]{0,31}$")
    resource_id: str | None = Field(None, description="An http resource, by id or name.")
    headers: dict[str, Json] = Field(
        default_factory=dict, description="Null takes a header of the resource away."
    )
    query: dict[str, Json] = Field(
        default_factory=dict, description="Added to the URL; a list repeats its name, null is left out."
    )
    body: Json = Field(None, description="An object or list is sent as JSON, text as it is.")
    form: dict[str, Json] | None = Field(None, description="Sent as application/x-www-form-urlencoded.")
    multipart: Annotated[list[MultipartPart], BeforeValidator(_as_parts)] | None = Field(
        None, description="Sent as multipart/form-data: a list of parts, or an object of names and values."
    )
    auth: Auth | None = Field(
        None, description="In place of the resource's; an Authorization header goes before both."
    )
    follow_redirects: bool = True
    max_redirects: int = Field(10, ge=0, le=50)
    verify_tls: bool = Field(
        True, description="False is refused where the resource verifies and has credentials."
    )
    cookie_jar: str | None = Field(
        None, min_length=1, max_length=100, description="A name; the steps that give it share their cookies."
    )
    expected_status: Annotated[ExpectedStatus, AfterValidator(check_expected_status)] | None = Field(
        None, description="A status, a class such as 2xx, or a list of these."
    )
    expected_response: Json = Field(
        None, description="The body must have this shape (operator matchesShape)."
    )

    @model_validator(mode="after")
    def _one_body(self) -> HttpConfig:
        if sum(each is not None for each in (self.body, self.form, self.multipart)) > 1:
            raise ValueError("a request has one of body, form and multipart")
        return self


class Redirect(Wire):
    """One hop on the way to the answer."""

    status: int
    url: str


class HttpResult(StepResult):
    """The final answer."""

    status: int
    reason: str
    headers: dict[str, str] = Field(description="Lower-case names; repeated ones joined by ', '.")
    cookies: dict[str, str] = Field(description="Those that this call's answers set.")
    body: Json = Field(description="Parsed where it is JSON.")
    body_encoding: BodyEncoding
    size_bytes: int = Field(description="Of the body, after content-encoding was undone.")
    url: str = Field(description="Where the answer came from, after redirects.")
    redirects: list[Redirect]


class HttpRunner(StepRunner[HttpConfig]):
    """Sends one request and returns its answer, whatever its status."""

    type = "http"
    label = "HTTP request"
    description = "Sends an HTTP request, follows redirects, and returns status, headers and body."
    notes = NOTES
    config_class = HttpConfig
    result_class = HttpResult
    resource_type = "http"
    connection_class = HttpConnection
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

    def run(self, config: HttpConfig, context: StepContext) -> Finished:
        """Send the request; raise StepError where no answer could be had."""
        started = time.monotonic()
        connection = cast("HttpConnection | None", context.connection)
        cookies = load_cookies(context.session)
        request = build_request(config, connection, context, cookies)
        response = send(Call(context.network, context.deadline, context.cancellation), request)
        if response.status == 401:
            forget_token(auth_of(config, connection), token_tls(config, connection), context)
        result = _result(response)
        result["durationMs"] = round((time.monotonic() - started) * 1000)
        return Finished(result, session=_session(config, cookies))

    def expectations(self, config: HttpConfig, fields: frozenset[str]) -> list[Assertion]:
        """Return what `expectedStatus` and `expectedResponse` say; 2xx or 3xx where nothing else does."""
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


def _session(config: HttpConfig, cookies: RequestsCookieJar) -> Json:
    return dump_cookies(cookies) if config.cookie_jar else None


def _result(response: HttpResponse) -> dict[str, Json]:
    body, encoding = read_body(response.body, response.header("content-type"))
    return {
        "status": response.status,
        "reason": response.reason,
        "headers": _joined(response.headers),
        "cookies": dict(response.set_cookies),
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
