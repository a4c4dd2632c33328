"""Reading flows: documents of versions, and what a team's flows may refer to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F, Q

from accounts.models import Team
from flows.document import FlowDocument, check_document
from flows.models import Flow, FlowVersion
from flows.step_links import Surroundings
from flows.steps import read_steps, walk
from resources.fields import to_text
from resources.models import Environment, Resource


def load_document(version: FlowVersion) -> FlowDocument:
    """Return the version's document with the defaults of its secret variables."""
    return FlowDocument.from_stored(version.document, version.secrets)


def newest_version(flow: Flow) -> FlowVersion:
    """Return the flow's newest version."""
    return flow.versions.get(number=flow.version)


def known_names(team: Team) -> set[str]:
    """Return the names of the variables of all environments of the team."""
    rows = Environment.objects.filter(team=team).values_list("variables", flat=True)
    return {variable["name"] for variables in rows for variable in variables}


def known_resources(team: Team) -> dict[str, str]:
    """Return the type of the team's resources by id, name, and what its environments choose for."""
    rows = list(Resource.objects.filter(team=team).values_list("id", "name", "type"))
    types = {str(pk): kind for pk, _, kind in rows}
    chosen = Environment.objects.filter(team=team).values_list("resources", flat=True)
    choices = {name: types[str(pk)] for each in chosen for name, pk in each.items() if str(pk) in types}
    return {**choices, **types, **{name: kind for _, name, kind in rows}}


def check_for_team(team: Team, raw: Any, *, flow: Flow | None = None) -> FlowDocument:
    """Return the checked document of a flow of the team; `flow` is what it will be the next version of.

    Raises FlowInvalid with everything that is wrong. Drafts, imports and saved flows are all checked here.
    """
    previous = load_document(newest_version(flow)) if flow and flow.version else None
    around = Surroundings(known_resources(team), lambda named: _newest_version_of(team, named))
    return check_document(raw, known_names=known_names(team), around=around, previous=previous)


def _newest_version_of(team: Team, flow_id: str) -> int | None:
    """Return the number of the newest version of the team's flow; None where there is none such."""
    try:
        found = Flow.objects.alive().filter(pk=UUID(flow_id), team=team)
    except ValueError:  # what is no id is no flow's either
        return None
    return found.values_list("version", flat=True).first()


def uses_of(resource: Resource) -> list[str]:
    """Return where the newest versions of living flows name it: `Order is fulfilled: row, check`."""
    wanted = {str(resource.pk), resource.name}
    mentions = Q()
    for text in wanted:
        mentions |= Q(document__contains=to_text(text))  # most flows need not be read
    versions = FlowVersion.objects.filter(
        mentions, flow__team=resource.team_id, flow__deleted_at=None, number=F("flow__version")
    ).select_related("flow")
    places = []
    for version in versions:
        steps = [name for name, named in _resources_of(version.document["steps"]) if named in wanted]
        if steps:
            places.append(f"{version.flow.name}: {', '.join(steps)}")
    return places


def _resources_of(steps: Any) -> list[tuple[str, Any]]:
    """Return the name of every step, inline ones too, with what it has as resourceId."""
    return [(node.name or "", node.meta.get("resourceId")) for node in walk(read_steps(steps, []))]
