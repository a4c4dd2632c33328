"""Errors of REST views in their one shape; `asynctester.middleware.errors` shapes errors outside of views."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.settings import api_settings

from accounts.api.base import Conflict
from asynctester.middleware.fair_work import RETRY_AFTER, TOO_MANY, refusal
from asynctester.middleware.losing import loss_of
from asynctester.middleware.refusals import RETRY_SECONDS, UNAVAILABLE
from executions.outages import is_outage
from resources.secrets.encryption import UNREADABLE, SecretsUnreadable
from steprunners.budgets.effort import Stopped, TooManyAtOnce

logger = logging.getLogger(__name__)


class PayloadTooLarge(exceptions.APIException):
    """The request's body is larger than MAX_REQUEST_BYTES."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is too large."
    default_code = "payload_too_large"


class Unavailable(exceptions.APIException):
    """Something that the service depends on is down or full; REST framework sends `wait` as Retry-After."""

    status_code, default_code, default_detail = UNAVAILABLE[0], UNAVAILABLE[1], UNAVAILABLE[2]
    wait = RETRY_SECONDS


class TooMuchAtOnce(exceptions.Throttled):
    """The organisation already has as many long requests in progress as it may have at once."""

    default_code = "too_much_at_once"

    def __init__(self) -> None:
        """Say when to try again."""
        super().__init__(detail=TOO_MANY, code=self.default_code)
        self.wait = RETRY_AFTER  # REST framework sends it as Retry-After


class ErrorHandler(ExceptionHandler):
    """Turns what Django raises while it handles a request into API errors."""

    def format_exception(self, exc: exceptions.APIException) -> dict[str, Any]:
        """Return the body of the response; an error of a whole object has the place of the object."""
        body: dict[str, Any] = super().format_exception(exc)
        for error in body["errors"]:
            error["attr"] = _place(error["attr"])
        return body

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Return the API error for `exc`, or `exc` itself."""
        if isinstance(exc, exceptions.AuthenticationFailed):
            return _plain(exc)
        known = _api_error(exc)
        if known is not None:
            return known
        if not isinstance(exc, exceptions.APIException) and is_outage(exc):
            logger.warning("An outage: %s", exc)
            return Unavailable()
        converted: Exception = super().convert_known_exceptions(exc)
        return converted

    def report_exception(self, exc: exceptions.APIException, response: Response) -> None:
        """Log a fault with its traceback; an outage is already logged in one line."""
        if not isinstance(exc, Unavailable):
            super().report_exception(exc, response)


def _place(attr: str | None) -> str | None:
    """Return the place of an error without REST framework's name for a whole object; that of the body is None."""
    if attr is None:
        return None
    return attr.removesuffix(api_settings.NON_FIELD_ERRORS_KEY).rstrip(".") or None


def _api_error(exc: Exception) -> exceptions.APIException | None:
    error: exceptions.APIException | None = None
    match exc:
        case RequestDataTooBig():
            error = PayloadTooLarge()
        case SuspiciousOperation():  # e.g. more than 1 000 query parameters
            error = exceptions.ParseError("The request cannot be read.")
        case ModelValidationError():
            error = exceptions.ValidationError(as_serializer_error(exc))
        case SecretsUnreadable():
            error = Conflict(str(exc), UNREADABLE)
        case Stopped():
            error = _stopped(exc)
        case DataError() | OverflowError():
            # The last safety net for values that the database cannot store; the log shows which validation is missing.
            logger.warning("A value that the database refuses got past validation", exc_info=exc)
            error = exceptions.ValidationError("A value is out of range.", "out_of_range")
        case _:
            error = _lost(exc)
    return error


def _stopped(exc: Stopped) -> exceptions.APIException:
    if isinstance(exc, TooManyAtOnce):
        return TooMuchAtOnce()
    _, code, told = refusal(exc)
    return exceptions.ValidationError(told, code)


def _lost(exc: Exception) -> exceptions.APIException | None:
    loss = loss_of(exc)
    if loss is None:
        return None
    logger.log(loss.level, "A request came second: %s", exc)
    known = exceptions.NotFound if loss.status == status.HTTP_404_NOT_FOUND else Conflict
    return known(loss.detail, loss.code)


def _plain(exc: exceptions.AuthenticationFailed) -> exceptions.AuthenticationFailed:
    """Return the error with a text as its detail: simplejwt puts a dict with the causes there."""
    if isinstance(exc.detail, dict):
        exc.detail = exceptions.ErrorDetail(
            str(exc.detail["detail"]), str(exc.detail.get("code", exc.default_code))
        )
    return exc
