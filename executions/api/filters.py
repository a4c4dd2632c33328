"""Filters and pages of the list of executions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.filters import AnyCaseFilter, TimeFilter
from executions.models import Execution
from executions.selectors import search
from executions.selectors.labels import creation_of, labelled
from executions.states import ExecutionStatus, Source


class ExecutionPages(CursorPagination):
    """`{next, previous, results}` with `cursor` and `pageSize` (default 25, at most 100).

    A cursor stays right while new executions arrive, and costs the same on page 1 000 as on the first.
    """

    page_size = 25
    page_size_query_param = "pageSize"
    max_page_size = 100

    def get_ordering(self, request: Request, queryset: QuerySet[Any], _view: APIView) -> tuple[str, ...]:
        """Return newest first, or oldest first for `ordering=createdAt`."""
        creation = creation_of(queryset)
        if request.query_params.get("ordering") == "createdAt":
            return (creation, "id")
        return (f"-{creation}", "-id")


class CreationFilter(TimeFilter):
    """Compares the time of creation; comes after the filter by label, which brings its own column."""

    def filter(self, qs: QuerySet[Any], value: Decimal | None) -> QuerySet[Any]:
        """Filter by the time, given in milliseconds."""
        self.field_name = creation_of(qs)
        return super().filter(qs, value)


class ExecutionFilter(django_filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """The filters of the contract; `status` and `source` take several values separated by commas."""

    flowId = django_filters.UUIDFilter(field_name="flow")  # noqa: N815 - the wire's name
    userId = django_filters.UUIDFilter(field_name="user")  # noqa: N815 - the wire's name
    teamId = django_filters.UUIDFilter(field_name="team")  # noqa: N815 - the wire's name
    environmentId = django_filters.UUIDFilter(field_name="environment")  # noqa: N815 - the wire's name
    rerunOf = django_filters.UUIDFilter(field_name="rerun_of")  # noqa: N815 - the wire's name
    parentExecutionId = django_filters.UUIDFilter(  # noqa: N815 - the wire's name
        field_name="parent", help_text="The children of this execution; without it no children are listed."
    )
    status = AnyCaseFilter(known=lambda: ExecutionStatus.values)
    source = AnyCaseFilter(known=lambda: Source.values)
    label = django_filters.CharFilter(
        method="with_label", max_length=100, help_text="Executions that have this label."
    )
    search = django_filters.CharFilter(
        method="with_name", help_text="Words in the name of the flow or draft."
    )
    since = CreationFilter(lookup_expr="gte", help_text="Created at this time or later (ms).")
    until = CreationFilter(lookup_expr="lt", help_text="Created before this time (ms).")

    class Meta:
        model = Execution
        fields: tuple[str, ...] = ()

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the filters; child executions are hidden unless their parent is given."""
        filtered: QuerySet[Any] = super().filter_queryset(queryset)
        return filtered if self.form.cleaned_data.get("parentExecutionId") else filtered.filter(parent=None)

    def with_name(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Keep the executions whose flow has the words in its name."""
        return search.with_name(queryset, value, self.request.user)

    def with_label(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Keep the executions that have the label."""
        return labelled(queryset, value, self.request.user)
