"""Response headers that keep browsers from being turned against their users.

Written by hand since they are constants: Django 6 brings a content security policy of its own to move to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

Handler = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]

#: Scripts and styles come from files of our own alone; `data:` is for the pictures in the styles of Swagger UI.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "serial", "usb")
)

_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",  # also where a middleware refuses before Django's own sets it
    # Everything but static files (WhiteNoise answers for those before) is somebody's own.
    "Cache-Control": "private, no-store",
}


@sync_and_async_middleware  # a middleware that is only sync would cost every request two changes of thread
def protect(get_response: Any) -> Handler:
    """Add the headers to every response that has not set them itself."""
    if iscoroutinefunction(get_response):

        async def protect_async(request: HttpRequest) -> HttpResponseBase:
            return _with_headers(await get_response(request))

        return protect_async

    def protect_sync(request: HttpRequest) -> HttpResponseBase:
        return _with_headers(get_response(request))

    return protect_sync


def _with_headers(response: HttpResponseBase) -> HttpResponseBase:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
