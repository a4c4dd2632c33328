"""Pins the versions of the flows that a run may use, so that later saves do not change the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import F

from accounts.models import Team
from flows.documents.document import FlowDocument
from flows.documents.steps import flow_ids, inline_steps
from flows.models import FlowVersion
from steprunners.documents.envelope import dump


def pinned_versions(team: Team, document: FlowDocument) -> dict[str, int]:
    """Return the newest version of every flow that the document may run, directly or through others."""
    pins: dict[str, int] = {}
    wanted = set(_named_flows([dump(step) for step in document.steps]))
    while wanted:
        newest = {
            str(version.flow_id): version
            for version in FlowVersion.objects.filter(
                flow__team=team, flow__deleted_at=None, flow_id__in=wanted, number=F("flow__version")
            )
        }
        pins.update({flow_id: version.number for flow_id, version in newest.items()})
        below = {name for version in newest.values() for name in _named_flows(version.document["steps"])}
        wanted = below - set(pins)
        if not newest:
            break
    return pins


def _named_flows(steps: list[Any]) -> Iterator[str]:
    """Yield the ids in their canonical form: in another one a flow would be looked up again and again."""
    for step in steps:
        for named in flow_ids(step):
            with suppress(ValueError):  # a reference: not known yet
                yield str(UUID(str(named.value or "")))
        for inner in inline_steps(step):
            yield from _named_flows(inner.steps)
