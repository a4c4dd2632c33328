"""Who asks, through which door and from where: read from the current request, which a context variable keeps.

Services write the audit log in the transaction of the change, and do not know the request. A request has one thread
(`asynctester.middleware.one_thread`), and the context variable follows it, so no service needs a parameter for this.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from accounts.addresses import client_address
from accounts.audit.doors import Door, door_without_request
from accounts.models import User
from accounts.models.audit_events import LONGEST_USER_AGENT

Handler = Callable[[HttpRequest], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, through which door, from where; `token_id` is that of an API token."""

    door: Door
    user: User | None = None
    ip: str | None = None
    user_agent: str = ""
    token_id: uuid.UUID | None = None


_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def remember_request(get_response: Handler) -> Handler:
    """Middleware: keep the request as the current one while it is answered."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        token = _request.set(request)
        try:
            return get_response(request)
        finally:
            _request.reset(token)

    return answer


def origin(request: HttpRequest | None = None) -> Origin:
    """Return where `request`, or else the current request, comes from; without either the process acts by itself."""
    asked = request if request is not None else _request.get()
    if asked is None:
        return Origin(door_without_request())
    return Origin(
        door=_door_of(asked),
        user=_user_of(asked),
        ip=client_address(asked),
        user_agent=asked.headers.get("User-Agent", "")[:LONGEST_USER_AGENT],
        token_id=getattr(getattr(asked, "auth", None), "api_token_id", None),
    )


def _door_of(request: HttpRequest) -> Door:
    if request.path_info.startswith("/admin/"):
        return Door.ADMIN
    if not request.path_info.startswith("/api/"):
        return Door.PAGE
    # The pages' scripts use the API with the browser's session.
    by_session = getattr(request, "auth", None) is None and _user_of(request) is not None
    return Door.PAGE if by_session else Door.API


def _user_of(request: HttpRequest) -> User | None:
    user: Any = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None
