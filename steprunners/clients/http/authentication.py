"""Authenticates requests: Basic (RFC 7617), Bearer (RFC 6750), OAuth 2.0 client credentials (RFC 6749, 4.4)."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus, urlencode

from pydantic import Field
from requests.structures import CaseInsensitiveDict

from steprunners.config import Wire
from steprunners.errors import Refused
from steprunners.masking.known_secrets import shorten
from steprunners.network import Call, HttpRequest, HttpResponse, TlsOptions, send
from steprunners.runner import StepContext

_DEFAULT_LIFETIME_SECONDS = 300.0
_MAX_TOKENS = 256


class BasicAuth(Wire):
    """User name and password."""

    type: Literal["basic"]
    username: str
    password: str = ""


class BearerAuth(Wire):
    """A ready token."""

    type: Literal["bearer"]
    token: str


class OAuth2ClientCredentials(Wire):
    """A token that is fetched with the client's id and secret, and kept as long as it is valid."""

    type: Literal["oauth2ClientCredentials"]
    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None


Auth = Annotated[BasicAuth | BearerAuth | OAuth2ClientCredentials, Field(discriminator="type")]


def authorization(auth: Auth, tls: TlsOptions, context: StepContext[Any]) -> str:
    """Return the value of the Authorization header; raise StepError where the server gives no token."""
    if isinstance(auth, BasicAuth):
        return basic_authorization(auth.username, auth.password)
    if isinstance(auth, BearerAuth):
        return f"Bearer {auth.token.strip()}"  # a token read from a file often ends in a line break
    token = _tokens.get(_key(auth, tls, context)) or _fetch_token(auth, tls, context)
    context.known_secrets.add([token])
    context.known_secrets.save()
    return f"Bearer {token}"


def forget_token(auth: Auth | None, tls: TlsOptions, context: StepContext[Any]) -> None:
    """Drop a kept token that the server no longer accepts, so that the next attempt fetches one."""
    if isinstance(auth, OAuth2ClientCredentials):
        _tokens.drop(_key(auth, tls, context))


def basic_authorization(username: str, password: str) -> str:
    """Return the value of the Authorization header for Basic authentication."""
    pair = f"{username}:{password}".encode("utf-8", "replace")
    return f"Basic {base64.b64encode(pair).decode()}"


# --- tokens ---------------------------------------------------------------------------------------

_Key = tuple[object, ...]


@dataclass(frozen=True)
class _Token:
    text: str
    valid_until: float


class _TokenStore:
    """The tokens of this worker process; beyond the limit the least recently used one is removed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: OrderedDict[_Key, _Token] = OrderedDict()

    def get(self, key: _Key) -> str | None:
        with self._lock:
            token = self._tokens.get(key)
            if token is None or token.valid_until <= time.monotonic():
                return None
            self._tokens.move_to_end(key)
            return token.text

    def put(self, key: _Key, text: str, seconds: float) -> None:
        with self._lock:
            self._tokens[key] = _Token(text, time.monotonic() + seconds)
            self._tokens.move_to_end(key)
            if len(self._tokens) > _MAX_TOKENS:
                self._tokens.popitem(last=False)

    def drop(self, key: _Key) -> None:
        with self._lock:
            self._tokens.pop(key, None)


_tokens = _TokenStore()


def _key(auth: OAuth2ClientCredentials, tls: TlsOptions, context: StepContext[Any]) -> _Key:
    # The policy and the secret are part of the key: a step without them must not get the token.
    return (auth.token_url, auth.client_id, auth.client_secret, auth.scope, tls, context.network)


def _fetch_token(auth: OAuth2ClientCredentials, tls: TlsOptions, context: StepContext[Any]) -> str:
    response = _ask(auth, tls, context, secret_in_body=False)
    if response.status in (400, 401):
        # RFC 6749 (2.3.1) lets a server accept the credentials in the body only.
        response = _ask(auth, tls, context, secret_in_body=True)
    answer = _object(response.body)
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if response.status != 200 or not isinstance(token, str) or not token.isprintable() or not token:
        raise Refused(
            f"no access token from {auth.token_url}: {_why(response, answer)}", code="token_refused"
        )
    lifetime = float(seconds) if isinstance(seconds, int | float) else _DEFAULT_LIFETIME_SECONDS
    # A token must not run out on the way to the server.
    _tokens.put(_key(auth, tls, context), token, lifetime - min(30.0, lifetime / 10))
    return token


def _ask(
    auth: OAuth2ClientCredentials, tls: TlsOptions, context: StepContext[Any], *, secret_in_body: bool
) -> HttpResponse:
    form = {"grant_type": "client_credentials"}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if auth.scope:
        form["scope"] = auth.scope
    if secret_in_body:
        form |= {"client_id": auth.client_id, "client_secret": auth.client_secret}
    else:
        headers["Authorization"] = basic_authorization(
            quote_plus(auth.client_id, errors="replace"), quote_plus(auth.client_secret, errors="replace")
        )
    request = HttpRequest(
        method="POST",
        url=auth.token_url,
        headers=CaseInsensitiveDict(headers),
        body=urlencode(form, errors="replace").encode(),
        tls=tls,
        # 307 and 308 would send the body, which contains the secret, to another server.
        follow_redirects=not secret_in_body,
    )
    return send(Call(context.network, context.deadline, context.cancellation), request)


def _object(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _why(response: HttpResponse, answer: dict[str, object]) -> str:
    reason = answer.get("error_description") or answer.get("error")
    if isinstance(reason, str):
        return f"{response.status}, {shorten(reason, 200)}"
    return f"{response.status} {response.reason}".strip() + (
        "" if response.status != 200 else ", without an access_token"
    )
