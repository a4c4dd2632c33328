"""Refuse text that PostgreSQL cannot store, in the path or the query, before any view sees it."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from asynctester.middleware.errors import error_response, is_api

REFUSAL = "Null characters are not allowed."

Handler = Callable[[HttpRequest], HttpResponseBase]


def refuse_null_characters(get_response: Handler) -> Handler:
    """Answer 400 where the URL holds a NUL character, in JSON or (by raising BadRequest) as a page."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _refusal(request) or get_response(request)

    return answer


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
