"""Wrong passwords lead to a lockout: soon for one user from one address, later for a whole address.

django-axes counts the failures, for all doors together. This module says what a failure counts for and how long a
lockout lasts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.utils import reset
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

LONGEST_USERNAME = 254


def username(_request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the address that somebody tried to sign in with, as users are kept: in lower case."""
    name = (credentials or {}).get("username") or ""
    return str(name).lower()[:LONGEST_USERNAME]


class Failures(AxesDatabaseHandler):  # type: ignore[misc]  # the library has no types
    """Counts AXES_FAILURE_LIMIT failures of a user from an address, LOCKOUT_ADDRESS_FAILURES of an address."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the failures of the user from here, or those of the address on the user's scale."""
        by_user, by_address = (_sum(attempts) for attempts in self.get_user_attempts(request, credentials))
        scale: float = settings.AXES_FAILURE_LIMIT / settings.LOCKOUT_ADDRESS_FAILURES
        return max(by_user, math.floor(by_address * scale))

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Forget the user's failures from this address.

        The failures of the address stay: otherwise somebody with one password could go on guessing others.
        """
        by_user, _ = self.filter_user_attempts(request, credentials)
        deleted: int = by_user.delete()[0]
        return deleted


def is_locked(request: HttpRequest) -> bool:
    """Return whether the sign-in of `request` was refused without a check, or was the last before a lockout."""
    return bool(getattr(request, "axes_locked_out", False))


def seconds_left(request: HttpRequest) -> int:
    """Return after how many seconds the user whom `request` tried may try again, at least 1."""
    credentials = getattr(request, "axes_credentials", None)
    attempts = AxesProxyHandler.get_implementation().get_user_attempts(request, credentials)
    latest = max((found for rows in attempts if (found := _latest(rows))), default=timezone.now())
    return max(1, math.ceil((latest + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds()))


def forgive(*, email: str) -> None:
    """Forget the failures of a user who has shown in another way who they are."""
    reset(username=email.lower())


def _sum(attempts: Any) -> int:
    return sum(attempts.values_list("failures_since_start", flat=True))


def _latest(attempts: Any) -> Any:
    return attempts.aggregate(latest=Max("attempt_time"))["latest"]
