"""Authenticates a WebSocket: by a token in the subprotocol, or by a session cookie and its Origin."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain
from rest_framework.exceptions import APIException

from accounts.api.bearer import BearerAuthentication
from accounts.models import ApiToken, User
from accounts.services.tokens import PREFIX, TokenInvalid, find_token

BEARER = "bearer"


@dataclass(frozen=True)
class Login:
    """A user, and when the login expires (seconds since the epoch; None: with the session)."""

    user: User
    expires_at: float | None = None


def log_in(scope: Any) -> Login | None:
    """Return the login of the handshake; None if it has no valid one. Reads the database.

    A bearer token wins over a cookie. Tokens in the URL are not accepted, since URLs end up in logs.
    """
    subprotocols = list(scope.get("subprotocols", []))
    if subprotocols[:1] == [BEARER]:
        return _by_token(subprotocols[1]) if len(subprotocols) == 2 else None
    headers = _headers(scope)
    if not same_origin(headers.get("origin", ""), headers.get("host", "")):
        return None
    return _by_session(headers.get("cookie", ""))


def chosen_subprotocol(scope: Any) -> str | None:
    """Return the subprotocol to answer with: a browser that offered subprotocols requires one."""
    return BEARER if BEARER in scope.get("subprotocols", []) else None


def same_origin(origin: str, host: str) -> bool:
    """Return whether a page of `origin` may use the cookie of `host` (or is in CSRF_TRUSTED_ORIGINS).

    WebSockets have no same-origin policy: without this check any page could read the stream with its visitor's cookie.
    The scheme is not compared, since a proxy in front may end TLS.
    """
    if not origin or not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS or ["localhost"]):
        return False
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    return parts.netloc == host.lower() or any(
        _trusts(urlsplit(trusted), parts.scheme, parts.netloc) for trusted in settings.CSRF_TRUSTED_ORIGINS
    )


def _trusts(trusted: Any, scheme: str, netloc: str) -> bool:
    return bool(trusted.scheme == scheme and is_same_domain(netloc, trusted.netloc.lstrip("*")))


def _headers(scope: Any) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", [])}


def _by_token(raw: str) -> Login | None:
    return _by_api_token(raw) if raw.startswith(PREFIX) else _by_jwt(raw)


def _by_api_token(raw: str) -> Login | None:
    try:
        token = find_token(raw)
    except TokenInvalid:
        return None
    if ApiToken.Scope.READ not in token.scopes:
        return None
    return Login(user=token.user, expires_at=token.expires_at.timestamp())


def _by_jwt(raw: str) -> Login | None:
    check: Any = BearerAuthentication()
    try:
        token = check.get_validated_token(raw.encode())
        return Login(user=check.get_user(token), expires_at=float(token["exp"]))
    except (APIException, KeyError, TypeError, ValueError):  # ValueError: not a UUID, not UTF-8
        return None


def _by_session(cookie: str) -> Login | None:
    try:
        key = parse_cookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    if not key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return Login(user=user) if isinstance(user, User) else None
