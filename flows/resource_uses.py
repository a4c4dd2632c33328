"""Which flows use which resources, for the app below: `resources.usage` asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F
from django.urls import reverse

from flows.documents.steps import read_steps, walk
from flows.models import FlowVersion
from resources.models import Resource
from resources.usage import Use


def uses_in_flows(resources: Sequence[Resource]) -> list[Use]:
    """Return where the newest versions of living flows name these resources, by id or by name."""
    named = _keys_of(resources)
    versions = FlowVersion.objects.filter(
        flow__team__in={each.team_id for each in resources},
        flow__deleted_at=None,
        number=F("flow__version"),
        document__contains='"resourceId"',  # most flows of some teams need not be read
    ).select_related("flow")
    return [use for version in versions.defer("secrets") for use in _uses_in(version, named)]


def _keys_of(resources: Sequence[Resource]) -> dict[tuple[UUID, str], Resource]:
    """Return the resources by their team and what a step may call them."""
    return {(each.team_id, key): each for each in resources for key in (str(each.pk), each.name)}


def _uses_in(version: FlowVersion, named: Mapping[tuple[UUID, str], Resource]) -> Iterator[Use]:
    steps: dict[Resource, list[tuple[str, bool]]] = {}
    for name, wanted in _resources_of(version.document["steps"]):
        resource = named.get((version.flow.team_id, wanted)) if isinstance(wanted, str) else None
        if resource is not None:
            steps.setdefault(resource, []).append((name, wanted == resource.name))
    url = reverse("flow", args=[version.flow_id])
    for resource, found in steps.items():
        names, by_name = zip(*found, strict=True)
        yield Use(resource.pk, version.flow.name, url, names, any(by_name))


def _resources_of(steps: Any) -> list[tuple[str, Any]]:
    """Return the name of every step, inline ones too, with what it has as resourceId."""
    return [(node.name or "", node.meta.get("resourceId")) for node in walk(read_steps(steps, []))]
