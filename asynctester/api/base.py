"""What the whole REST API shares: pagination, ordering by wire names, and errors in one shape.

Bodies are read by `strict_json`; errors outside views are shaped by `errors`.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError
from django.db.models import QuerySet
from drf_standardized_errors.handler import ExceptionHandler
from pydantic.alias_generators import to_snake
from rest_framework import exceptions, status
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from accounts.api.base import Conflict
from asynctester.middleware.fair_work import RETRY_AFTER, TOO_MANY, refusal
from asynctester.middleware.losing import loss_of
from asynctester.middleware.refusals import RETRY_SECONDS, UNAVAILABLE
from executions.outages import is_outage
from resources.secrets.encryption import UNREADABLE, SecretsUnreadable
from steprunners.budgets.effort import Stopped, TooManyAtOnce

logger = logging.getLogger(__name__)

MOST_WORDS, LONGEST_WORD = 50, 8_000


class Pages(PageNumberPagination):
    """`{count, next, previous, results}` with `page` and `pageSize` (default 25, at most 100)."""

    page_size = 25
    page_size_query_param = "pageSize"
    max_page_size = 100


class CamelCaseOrdering(OrderingFilter):
    """`ordering=-createdAt`: wire names, turned into the names of the model's fields."""

    def remove_invalid_fields(
        self, queryset: QuerySet[Any], fields: Any, view: APIView, request: Request
    ) -> list[str]:
        """Keep the known fields, in Python's spelling."""
        snake = [("-" if name.startswith("-") else "") + to_snake(name.lstrip("-")) for name in fields]
        return list(super().remove_invalid_fields(queryset, snake, view, request))


class Search(SearchFilter):
    """`search=some words`: every one of them is somewhere in the row."""

    def get_search_terms(self, request: Request) -> list[str]:
        """Return the words; raises ValidationError where they are more than a database takes in one question."""
        terms: list[str] = list(super().get_search_terms(request))
        if len(terms) > MOST_WORDS or max(map(len, terms), default=0) > LONGEST_WORD:
            problem = f"A search is for at most {MOST_WORDS} words of at most {LONGEST_WORD} characters."
            raise exceptions.ValidationError({self.search_param: [problem]}, "too_long")
        return terms


class PayloadTooLarge(exceptions.APIException):
    """The request's body is larger than MAX_REQUEST_BYTES."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is too large."
    default_code = "payload_too_large"


class Unavailable(exceptions.APIException):
    """Something that the service relies on is away or full; REST framework makes `wait` a Retry-After."""

    status_code, default_code, default_detail = UNAVAILABLE[0], UNAVAILABLE[1], UNAVAILABLE[2]
    wait = RETRY_SECONDS


class TooMuchAtOnce(exceptions.Throttled):
    """As much long work of the organisation as may be at once is under way."""

    default_code = "too_much_at_once"

    def __init__(self) -> None:
        """Say when to try again."""
        super().__init__(detail=TOO_MANY, code=self.default_code)
        self.wait = RETRY_AFTER  # REST framework makes the header Retry-After of it


class ErrorHandler(ExceptionHandler):
    """Turns what Django raises while it reads a request into API errors."""

    def format_exception(self, exc: exceptions.APIException) -> dict[str, Any]:
        """Return the answer's body; what is wrong with an object as a whole has the object's place."""
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
        """Log a fault with its traceback; an outage has its line already."""
        if not isinstance(exc, Unavailable):
            super().report_exception(exc, response)


def _place(attr: str | None) -> str | None:
    """Return the place of an error without REST framework's word for an object as a whole; the body's own is None."""
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
            # The last net under what the database cannot hold; the log says where validation has a hole.
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
    """Return the error with a text as its detail: simplejwt gives a dict with the causes inside."""
    if isinstance(exc.detail, dict):
        exc.detail = exceptions.ErrorDetail(
            str(exc.detail["detail"]), str(exc.detail.get("code", exc.default_code))
        )
    return exc
