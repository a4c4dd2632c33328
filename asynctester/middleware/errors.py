"""Errors outside of REST views: in the API's one shape below /api/, as pages elsewhere."""

from __future__ import annotations

import logging
import sys

from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from asynctester.middleware.losing import OVERTAKEN, Loss, loss_of
from asynctester.middleware.refusals import RETRY_SECONDS, UNAVAILABLE
from executions.observability.outages import is_outage
from resources.secrets.encryption import UNREADABLE, SecretsUnreadable
from resources.services import InUse

logger = logging.getLogger(__name__)


def error_response(status: int, code: str, detail: str, attr: str | None = None) -> JsonResponse:
    """Return one error in the shape that every REST error has."""
    kind = "server_error" if status >= 500 else "validation_error" if attr else "client_error"
    body = {"type": kind, "errors": [{"code": code, "detail": detail, "attr": attr}]}
    return JsonResponse(body, status=status)


def is_api(request: HttpRequest) -> bool:
    """Return whether the request is answered in JSON."""
    return request.path_info.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 400 (413 if the body is too large): Django's `handler400`.

    A session that cannot be stored arrives here as one that somebody ended meanwhile.
    """
    if isinstance(exception, SessionInterrupted):
        return unavailable(request) if is_outage(exception) else lost(request, exception, OVERTAKEN)
    if not is_api(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, RequestDataTooBig):
        return error_response(413, "payload_too_large", "The request is too large.")
    return error_response(400, "bad_request", "The request cannot be read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 403: Django's `handler403`."""
    if not is_api(request):
        return defaults.permission_denied(request, exception)
    return error_response(403, "permission_denied", "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404: Django's `handler404`."""
    if not is_api(request):
        return defaults.page_not_found(request, exception)
    return error_response(404, "not_found", "Not found.")


@csrf_exempt  # it does nothing, and a missing token is not what is wrong with the request
def unknown_api_path(request: HttpRequest) -> HttpResponse:
    """Answer for every path below /api/ that no other route matches, for every method."""
    return error_response(404, "not_found", f"{request.path_info[:200]} does not exist.")


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer 500 without the reason, 503 in an outage: Django's `handler500`, which has logged it.

    Errors of middleware come here too: the session is read from the database before any view runs.
    """
    error = sys.exc_info()[1]
    if error is not None and is_outage(error):
        return unavailable(request)
    if not is_api(request):
        return defaults.server_error(request)
    return error_response(500, "error", "Server Error (500)")


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503 with Retry-After. The page does not query the database."""
    response: HttpResponse
    if is_api(request):
        response = error_response(*UNAVAILABLE)
    else:
        response = HttpResponse(render_to_string("503.html", {"detail": UNAVAILABLE[2]}), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


class OutageMiddleware(MiddlewareMixin):
    """Answers for views during an outage: with one line in the log instead of a traceback for each request."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for an outage; leave everything else alone."""
        if not is_outage(exception):
            return None
        logger.warning("An outage: %s", exception)
        return unavailable(request)


class UnreadableSecretMiddleware(MiddlewareMixin):
    """Tells on a page (or in JSON, outside of REST views) what to do if a stored secret cannot be read: 409."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer for SecretsUnreadable; leave everything else alone."""
        if not isinstance(exception, SecretsUnreadable):
            return None
        if is_api(request):
            return error_response(409, UNREADABLE, str(exception))
        return render(request, "secret_unreadable.html", {"reason": str(exception)}, status=409)


def lost(request: HttpRequest, exception: Exception, loss: Loss) -> HttpResponseBase:
    """Answer the loser of a race: as JSON below /api/, as a page elsewhere."""
    if is_api(request):
        return error_response(loss.status, loss.code, loss.detail)
    if loss.status == 404:
        return not_found(request, exception)
    return render(request, "conflict.html", {"reason": loss.detail}, status=loss.status)


class LostRaceMiddleware(MiddlewareMixin):
    """Tells on a page (or in JSON, outside of REST views) that the object was deleted or changed meanwhile."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer the loser of a race (`losing`); leave everything else alone."""
        if isinstance(exception, InUse):
            return lost(request, exception, Loss(409, "in_use", f"{exception}."))
        loss = loss_of(exception)
        if loss is None:
            return None
        logger.log(loss.level, "A request came second: %s", exception)
        return lost(request, exception, loss)
