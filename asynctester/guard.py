"""What is refused before any view sees it: text that PostgreSQL cannot hold, in the path or the query."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.decorators import sync_and_async_middleware

from asynctester.errors import error_response, is_api

REFUSAL = "Null characters are not allowed."

Handler = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware  # a middleware that is only sync would cost every request two changes of thread
def refuse_null_characters(get_response: Any) -> Handler:
    """Answer 400 where the URL holds a NUL character, in JSON or (by raising BadRequest) as a page."""
    if iscoroutinefunction(get_response):

        async def guard_async(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = _refusal(request) or await get_response(request)
            return response

        return guard_async

    def guard(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = _refusal(request) or get_response(request)
        return response

    return guard


def _refusal(request: HttpRequest) -> JsonResponse | None:
    place = _place(request)
    if place is None:
        return None
    if not is_api(request):
        raise BadRequest(REFUSAL)
    return error_response(400, "null_characters_not_allowed", REFUSAL, place)


def _place(request: HttpRequest) -> str | None:
    """Return the name of the query parameter that holds a NUL character, `path`, or None."""
    if "\0" in request.path_info:
        return "path"
    for name, values in request.GET.lists():
        if any("\0" in text for text in (name, *values)):
            return name.replace("\0", "\\u0000")
    return None
