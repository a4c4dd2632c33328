"""Filters of the list of flows."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from flows.models import Flow
from resources.fields import to_text


class FlowFilter(django_filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """`label` (exactly), `createdBy`, `teamId`."""

    label = django_filters.CharFilter(
        method="with_label", max_length=100, help_text="Flows that have this label."
    )
    createdBy = django_filters.UUIDFilter(field_name="created_by")  # noqa: N815 - the wire's name
    teamId = django_filters.UUIDFilter(field_name="team")  # noqa: N815 - the wire's name

    class Meta:
        model = Flow
        fields: tuple[str, ...] = ()

    def with_label(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Keep the flows that have the label; labels are stored as the JSON text of a list."""
        return queryset.filter(labels__contains=to_text(value))
