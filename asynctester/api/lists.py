"""What every list of the REST API can do: pages, ordering and search."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from pydantic.alias_generators import to_snake
from rest_framework import exceptions
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.views import APIView

MOST_WORDS, LONGEST_WORD = 50, 8_000


class Pages(PageNumberPagination):
    """`{count, next, previous, results}` with `page` and `pageSize` (default 25, at most 100)."""

    page_size = 25
    page_size_query_param = "pageSize"
    max_page_size = 100


class CamelCaseOrdering(OrderingFilter):
    """`ordering=-createdAt`: the JSON names, translated to the names of the model's fields."""

    def remove_invalid_fields(
        self, queryset: QuerySet[Any], fields: Any, view: APIView, request: Request
    ) -> list[str]:
        """Return the known fields by their Python names."""
        snake = [("-" if name.startswith("-") else "") + to_snake(name.lstrip("-")) for name in fields]
        return list(super().remove_invalid_fields(queryset, snake, view, request))


class Search(SearchFilter):
    """`search=some words`: a row matches if it contains each of the words."""

    def get_search_terms(self, request: Request) -> list[str]:
        """Return the words; raise ValidationError if there are more than a database takes in one query."""
        terms: list[str] = list(super().get_search_terms(request))
        if len(terms) > MOST_WORDS or max(map(len, terms), default=0) > LONGEST_WORD:
            problem = f"A search takes at most {MOST_WORDS} words of at most {LONGEST_WORD} characters."
            raise exceptions.ValidationError({self.search_param: [problem]}, "too_long")
        return terms
