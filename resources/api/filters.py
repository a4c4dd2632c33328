"""Filters of resources and environments, by wire names."""

from __future__ import annotations

import django_filters

from accounts.api.filters import AnyCaseFilter
from resources.models import Environment, Resource
from steprunners.registry import connection_classes


class ResourceFilter(django_filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """`type`, `groupName`, `teamId`."""

    type = AnyCaseFilter(known=connection_classes)
    groupName = django_filters.CharFilter(field_name="group_name")  # noqa: N815 - the wire's name
    teamId = django_filters.UUIDFilter(field_name="team")  # noqa: N815 - the wire's name

    class Meta:
        model = Resource
        fields: tuple[str, ...] = ()


class EnvironmentFilter(django_filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """`teamId`."""

    teamId = django_filters.UUIDFilter(field_name="team")  # noqa: N815 - the wire's name

    class Meta:
        model = Environment
        fields: tuple[str, ...] = ()
