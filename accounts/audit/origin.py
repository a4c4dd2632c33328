"""Where what happens now comes from: the request in hand, kept in a context variable.

Services write the audit log in the transaction of the change, and know no request. A context variable follows a
request, which has one thread (`one_thread`), so their signatures stay free of who asked through which door.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponseBase

from accounts.addresses import client_address

if TYPE_CHECKING:
    from accounts.models import User

LONGEST_USER_AGENT = 200

Handler = Callable[[HttpRequest], HttpResponseBase]


class Door(StrEnum):
    """What somebody came in by; SYSTEM is the service itself: a schedule, a trigger, a sweep."""

    API = "API"
    PAGE = "PAGE"
    ADMIN = "ADMIN"
    CLI = "CLI"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, through which door, from where; `token_id` is that of an API token."""

    door: Door
    user: User | None = None
    ip: str | None = None
    user_agent: str = ""
    token_id: uuid.UUID | None = None


_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
_door: ContextVar[Door] = ContextVar("door", default=Door.SYSTEM)


def remember_request(get_response: Handler) -> Handler:
    """Keep the request at hand while it is answered."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        token = _request.set(request)
        try:
            return get_response(request)
        finally:
            _request.reset(token)

    return answer


def enter_by_command_line() -> None:
    """Say that whatever this process does without a request was asked for on the command line."""
    _door.set(Door.CLI)


def origin(request: HttpRequest | None = None) -> Origin:
    """Return where `request`, or else the request in hand, comes from; without any it is the process's own doing."""
    asked = request if request is not None else _request.get()
    if asked is None:
        return Origin(_door.get())
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
