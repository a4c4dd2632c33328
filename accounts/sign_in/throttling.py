"""Rate limits for requests that are costly or send mail; REST views and pages share the counts.

The counts are in Redis, so that all web processes share them. While Redis is down nothing is refused; the lockout
after wrong passwords (`lockout`), which is in the database, still works.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views import View
from redis.exceptions import RedisError
from rest_framework.throttling import SimpleRateThrottle

from accounts.addresses import client_network

logger = logging.getLogger(__name__)

REST = 5.0  # seconds without another try, after Redis did not answer: each costs its time-out


class _Throttle(SimpleRateThrottle):
    scope: str
    rests_until = 0.0  # of all of them: there is one Redis

    def get_rate(self) -> str | None:
        """Return `settings.AUTH_RATES[scope]`, e.g. `10/hour`; empty means no limit."""
        return settings.AUTH_RATES.get(self.scope) or None

    def ident(self, request: Any) -> str | None:
        """Return the key that is counted; None is not counted."""
        return client_network(getattr(request, "_request", request)) or "unknown"

    def get_cache_key(self, request: Any, _view: Any) -> str | None:
        """Return the key of the count."""
        ident = self.ident(request)
        return None if ident is None else f"throttle:{self.scope}:{ident}"

    def allow_request(self, request: Any, view: Any) -> bool:
        """Return whether the request may go on."""
        if time.monotonic() < _Throttle.rests_until:
            return True
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            logger.warning("requests are not counted: %s", error)
            _Throttle.rests_until = time.monotonic() + REST
            return True

    def wait(self) -> float | None:
        """Return after how many whole seconds the client may try again."""
        seconds = super().wait()
        return None if seconds is None else math.ceil(seconds)


class AuthThrottle(_Throttle):
    """Requests about signing in, by client."""

    scope = "auth"


class MailThrottle(_Throttle):
    """Requests that send mail, by client."""

    scope = "mail"


class RecipientThrottle(_Throttle):
    """Requests that send mail, by recipient, whether or not they have an account."""

    scope = "recipient"

    def ident(self, request: Any) -> str | None:
        """Return a digest of the address, so that Redis does not store the address itself."""
        data = getattr(request, "data", None) or getattr(request, "POST", {})
        email = data.get("email") if hasattr(data, "get") else None
        return (
            hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()
            if isinstance(email, str)
            else None
        )


MAILING = (AuthThrottle, MailThrottle, RecipientThrottle)


class ThrottledPage(View):
    """A page whose POST is counted."""

    http_method_names = ["get", "head", "post", "options"]  # Django's forms take PUT for POST

    throttle_classes: tuple[type[_Throttle], ...] = (AuthThrottle,)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer 429 where it is too much."""
        if request.method == "POST" and (refused := refusal(request, self.throttle_classes)) is not None:
            return refused
        return super().dispatch(request, *args, **kwargs)


def refusal(request: HttpRequest, kinds: tuple[type[_Throttle], ...]) -> HttpResponse | None:
    """Count the request; return the page “too many attempts” if it was over the limit."""
    # All are asked, as in REST views: a request that one of them refuses counts for the others too.
    refusing = [each for each in (kind() for kind in kinds) if not each.allow_request(request, None)]
    return too_many(request, max(int(each.wait() or 1) for each in refusing)) if refusing else None


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """Return the page that asks for patience."""
    context = {"minutes": math.ceil(seconds / 60)}
    response = render(request, "accounts/too_many.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
