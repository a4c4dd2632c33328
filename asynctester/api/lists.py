"""What every list of the REST API can do: pages, ordering and search. A query that it does not understand is 400."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from pydantic.alias_generators import to_camel, to_snake
from rest_framework import exceptions
from rest_framework.filters import BaseFilterBackend, OrderingFilter, SearchFilter
from rest_framework.mixins import ListModelMixin
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.queries import check_parameters, one_of

MOST_WORDS, LONGEST_WORD = 50, 8_000


class Pages(PageNumberPagination):
    """`{count, next, previous, results}` with `page` and `pageSize` (default 25, at most 100)."""

    page_size = 25
    page_size_query_param = "pageSize"
    max_page_size = 100


class KnownParameters(BaseFilterBackend):
    """Refuses query parameters that the list does not have: `statu=FAILED` would give all rows."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Return all rows. Raises ValidationError for an unknown parameter."""
        if _is_list(view):
            check_parameters(request, _parameters_of(view))
        return queryset


def _is_list(view: Any) -> bool:
    """Return whether the view answers with many rows; the detail of one goes through the filters, too."""
    action = getattr(view, "action", None)
    return isinstance(view, ListModelMixin) if action is None else action == "list" or view.detail is False


def _parameters_of(view: Any) -> list[str]:
    """Return the names of what the view's pages and filters read from the query."""
    pages = view.paginator
    names = ["page_query_param", "cursor_query_param", "page_size_query_param"]
    known = [getattr(pages, name) for name in names if getattr(pages, name, None)]
    if getattr(view, "search_fields", None):
        known.append(Search.search_param)
    if getattr(view, "ordering_fields", None):
        known.append(CamelCaseOrdering.ordering_param)
    filters = getattr(view, "filterset_class", None)
    return [*known, *(filters.base_filters if filters else ())]


class CamelCaseOrdering(OrderingFilter):
    """`ordering=-createdAt`: the JSON names, translated to the names of the model's fields."""

    def remove_invalid_fields(
        self, queryset: QuerySet[Any], fields: Any, view: APIView, request: Request
    ) -> list[str]:
        """Return the fields by their Python names. Raises ValidationError for an unknown one."""
        known = [to_camel(name) for name, _ in self.get_valid_fields(queryset, view, {"request": request})]
        for field in filter(None, fields):
            check_ordering(field, known)
        snake = [("-" if name.startswith("-") else "") + to_snake(name.removeprefix("-")) for name in fields]
        return [name for name in snake if name]


def check_ordering(field: str, known: list[str]) -> None:
    """Raise ValidationError where the field, which may begin with "-", is none of the known ones."""
    name = field.removeprefix("-")
    if name not in known:
        problem = f"{one_of(name, known)} A leading - turns the order around."
        raise exceptions.ValidationError({CamelCaseOrdering.ordering_param: [problem]}, "invalid_choice")


class Search(SearchFilter):
    """`search=some words`: a row matches if it contains each of the words."""

    def get_search_terms(self, request: Request) -> list[str]:
        """Return the words; raise ValidationError if there are more than a database takes in one query."""
        terms: list[str] = list(super().get_search_terms(request))
        if len(terms) > MOST_WORDS or max(map(len, terms), default=0) > LONGEST_WORD:
            problem = f"A search takes at most {MOST_WORDS} words of at most {LONGEST_WORD} characters."
            raise exceptions.ValidationError({self.search_param: [problem]}, "too_long")
        return terms

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe `search` in the OpenAPI document of a list that can search."""
        has_search = getattr(view, "search_fields", None)
        described: Any = super().get_schema_operation_parameters
        return list(described(view)) if has_search else []
