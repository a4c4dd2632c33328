"""Web requests that compute for long take turns, end when their client has gone, and have a budget.

Checking a document can take seconds, and Python runs one thread at a time: without this, a few such requests would
hold up everybody else. The work counts itself (`budgets.effort`); this module says for whom it counts and how much is
allowed.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from asynctester.middleware.errors import error_response, is_api
from steprunners.budgets.effort import Host, NobodyWaits, Stopped, TooManyAtOnce, TooMuchWork, hosted
from steprunners.budgets.rotation import Rotation

#: Key of the ASGI scope: the event that is set once the client is gone.
GONE = "asynctester.gone"
#: So many requests of one organisation (or, before it is known, one sender) compute for long at once; and of all.
MOST_OF_ONE, MOST_IN_ALL = 8, 32
#: A request may compute for so long before it takes turns, in seconds: most need far less.
FREE_SECONDS = 0.005
#: So many times the turn before it is the pause that follows, while others are answered.
PAUSE = 4.0
RETRY_AFTER = 5
#: What proxies log for a client that has closed the connection; nobody reads the answer.
CLIENT_CLOSED = 499

TOO_MANY = "Too much is being checked for you at the moment. Try again in a few seconds."

Handler = Callable[[HttpRequest], HttpResponseBase]


class FairWork:
    """Middleware: every request is a host of work."""

    _lock = threading.Lock()
    _at_work: ClassVar[int] = 0

    def __init__(self, get_response: Handler) -> None:
        """Take the rest of the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, its work counted."""
        self._count(1)
        try:
            with hosted(_host(request)):
                return self.get_response(request)
        finally:
            self._count(-1)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer for work that was stopped outside of REST views; leave everything else alone."""
        if not isinstance(exception, Stopped):
            return None
        if isinstance(exception, NobodyWaits):
            return HttpResponse(status=CLIENT_CLOSED)
        status, code, told = refusal(exception)
        if is_api(request):
            response: HttpResponse = error_response(status, code, told)
        else:
            response = render(request, "too_much_work.html", {"reason": told}, status=status)
        if status == 429:
            response.headers["Retry-After"] = str(RETRY_AFTER)
        return response

    @classmethod
    def at_work(cls) -> int:
        """Return how many requests are being answered."""
        return cls._at_work

    @classmethod
    def _count(cls, change: int) -> None:
        with cls._lock:
            cls._at_work += change


def refusal(exception: Stopped) -> tuple[int, str, str]:
    """Return the status, code and sentence for work that was stopped."""
    if isinstance(exception, TooManyAtOnce):
        return 429, "too_much_at_once", TOO_MANY
    if isinstance(exception, TooMuchWork):
        return 400, "too_much_work", f"This is too much work: {exception}."
    return 400, "too_much_work", "This takes too long."


rotation = Rotation(
    FairWork.at_work, free_seconds=FREE_SECONDS, pause=PAUSE, most_seats=MOST_OF_ONE, most_in_all=MOST_IN_ALL
)


def _host(request: HttpRequest) -> Host:
    scope: dict[str, Any] = getattr(request, "scope", {})
    gone: threading.Event | None = scope.get(GONE)
    seconds = settings.MAX_CHECKING_MS / 1000 or math.inf
    is_over = gone.is_set if gone is not None else _never
    return Host(rotation, _sender(request), seconds, is_over=is_over)


def _never() -> bool:
    return False


def _sender(request: HttpRequest) -> object:
    """Return who is charged for the request until its organisation is known (`effort.own`)."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return request.headers.get("Authorization") or session or request.META.get("REMOTE_ADDR")
