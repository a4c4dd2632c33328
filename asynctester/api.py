"""What the whole REST API shares: pagination, ordering by wire names, and errors in one shape."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from drf_standardized_errors.handler import ExceptionHandler
from pydantic.alias_generators import to_snake
from rest_framework import exceptions, status
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.views import APIView


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


class PayloadTooLarge(exceptions.APIException):
    """The request's body is larger than MAX_REQUEST_BYTES."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is too large."
    default_code = "payload_too_large"


class ErrorHandler(ExceptionHandler):
    """Turns what Django raises while it reads a request into API errors."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Return the API error for `exc`, or `exc` itself."""
        if isinstance(exc, RequestDataTooBig):
            return PayloadTooLarge()
        converted: Exception = super().convert_known_exceptions(exc)
        return converted
