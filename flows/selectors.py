"""Reading flows: documents of versions, and what a team's flows may refer to."""

from __future__ import annotations

from math import inf
from typing import Any
from uuid import UUID

from accounts.models import Team
from flows.documents.document import FlowDocument, check_document
from flows.documents.step_links import Surroundings, link_problems
from flows.documents.steps import Node, read_steps, walk
from flows.models import Flow, FlowVersion
from flows.problems import Problem, invalid
from resources.limits.effective import limits_of_team
from resources.models import Environment, Resource
from resources.secrets.encryption import SecretsUnreadable
from steprunners.budgets.effort import TooMuchWork, own, working
from steprunners.values.patterns import patterns_of_at_most


def load_document(version: FlowVersion) -> FlowDocument:
    """Return the version's document with the defaults of its secret variables."""
    return FlowDocument.from_stored(version.document, version.secrets)


def load_readable(version: FlowVersion) -> FlowDocument:
    """Return the version's document; without secret defaults where their key is lost, so that it can be saved anew."""
    try:
        return load_document(version)
    except SecretsUnreadable:
        return FlowDocument.from_stored(version.document, None)


def newest_version(flow: Flow) -> FlowVersion:
    """Return the flow's newest version."""
    return flow.versions.get(number=flow.version)


def newest_of(flow: Flow) -> FlowVersion:
    """Return the newest version, which a view's queryset has prefetched as `newest`.

    Raises FlowVersion.DoesNotExist where the team was deleted between reading the one and the other.
    """
    versions: list[FlowVersion] = flow.newest  # type: ignore[attr-defined]  # prefetched
    if not versions:
        raise FlowVersion.DoesNotExist
    return versions[0]


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
    previous = load_readable(newest_version(flow)) if flow and flow.version else None
    around = _surroundings(team)
    limits = limits_of_team(team.pk)
    names = known_names(team)
    own(team.organisation_id)
    try:
        with patterns_of_at_most(limits.pattern_length), working(processor=inf):
            return check_document(
                raw, known_names=names, around=around, previous=previous, most_steps=limits.steps_per_flow
            )
    except TooMuchWork as error:
        raise invalid("too_much_work", f"this takes too much work to check: {error}") from error


def first_missing(team: Team, document: FlowDocument) -> Problem | None:
    """Return the first thing that the steps name and the team does not have; None where it has all."""
    nodes = list(walk(read_steps(document.to_json()["steps"], [])))
    if not any(_names_something(node) for node in nodes):
        return None
    around = _surroundings(team)
    found = (problem for node in nodes for problem in link_problems(node, around, has_hints=False))
    return next(found, None)


def _names_something(node: Node) -> bool:
    return "resourceId" in node.meta or (node.runner is not None and bool(node.runner.flow_ids(node.meta)))


def _surroundings(team: Team) -> Surroundings:
    return Surroundings(known_resources(team), lambda named: _newest_version_of(team, named))


def _newest_version_of(team: Team, flow_id: str) -> int | None:
    """Return the number of the newest version of the team's flow; None where there is none such."""
    try:
        found = Flow.objects.alive().filter(pk=UUID(flow_id), team=team)
    except ValueError:  # what is no id is no flow's either
        return None
    return found.values_list("version", flat=True).first()
