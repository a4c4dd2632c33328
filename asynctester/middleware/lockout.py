"""The answer of every door during a lockout after wrong passwords: 429 with Retry-After."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.sign_in.lockout import seconds_left
from accounts.sign_in.throttling import too_many
from asynctester.middleware.errors import error_response, is_api


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """Answer in place of the view's response, as AXES_LOCKOUT_CALLABLE."""
    seconds = seconds_left(request)
    if not is_api(request):
        return too_many(request, seconds)
    minutes = math.ceil(seconds / 60)
    detail = f"Too many failed sign-ins. Try again in {minutes} minute{'s' * (minutes > 1)}."
    response = error_response(429, "locked_out", detail)
    response["Retry-After"] = str(seconds)
    return response
