"""What a step names outside its own flow: a resource of its type, and other flows of the team."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flows.documents.steps import Node
from flows.problems import Problem, problem_at
from steprunners.references.resolution import holds_reference
from steprunners.values.suggestions import did_you_mean


@dataclass(frozen=True)
class Surroundings:
    """What a team has: the type of each resource by id and name, and how a flow's newest version is looked up.

    `newest_version` returns None where the team has no such flow; it is asked once for each flow that is named.
    """

    resources: Mapping[str, str]
    newest_version: Callable[[str], int | None] = lambda _: None


def link_problems(node: Node, around: Surroundings, *, has_hints: bool) -> Iterator[Problem]:
    """Yield what the step names and the team does not have; a reference is not known before the run."""
    yield from _resource_problems(node, around.resources, has_hints=has_hints)
    yield from _flow_problems(node, around)


def _resource_problems(node: Node, resources: Mapping[str, str], *, has_hints: bool) -> Iterator[Problem]:
    wanted = _literal(node.meta.get("resourceId"))
    if node.runner is None or node.runner.resource_type is None or wanted is None:
        return
    place = (*node.place, "meta", "resourceId")
    found = resources.get(wanted)
    if found is None:
        hint = did_you_mean(wanted, resources) if has_hints else ""
        yield problem_at(place, "unknown_resource", f"the team has no resource '{wanted[:80]}'{hint}")
    elif found != node.runner.resource_type:
        needed = f"a {node.runner.type} step needs one of type {node.runner.resource_type}"
        message = f"'{wanted}' is a resource of type {found}, {needed}"
        yield problem_at(place, "wrong_resource_type", message)


def _literal(value: Any) -> str | None:
    """Return the text; None where it is none, or a reference."""
    return value if isinstance(value, str) and not holds_reference(value) else None


def _flow_problems(node: Node, around: Surroundings) -> Iterator[Problem]:
    for named in node.runner.flow_ids(node.meta) if node.runner is not None else ():
        wanted = _literal(named.value)
        if not wanted:
            continue
        newest = around.newest_version(wanted)
        place = (*node.place, "meta", *named.place)
        if newest is None:
            message = f"the team has no flow with the id '{wanted[:80]}'"
            yield problem_at(place, "unknown_flow", message)
        elif type(named.version) is int and named.version > newest:
            message = f"the flow has no version {named.version}: its newest is {newest}"
            yield problem_at((*place[:-1], "version"), "unknown_version", message)
