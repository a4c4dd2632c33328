"""Names and references across a flow: each name is unique, each reference is to something known by then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Any

from flows.documents.steps import Node, inline_steps, put_inline, walk
from flows.problems import MAX_HINTED, Place, Problem, problem_at
from steprunners.documents.envelope import RESERVED_NAMES
from steprunners.references.resolution import Found, Kind, find_references
from steprunners.values.suggestions import did_you_mean

#: Parts of a step that are never read for references.
_PLAIN_PARTS = frozenset({"id", "name", "stepType", "description"})


def check_names(variables: list[tuple[Place, str]], nodes: list[Node]) -> Iterator[Problem]:
    """Yield reserved names, names given twice by steps or variables, extracts named like a step."""
    owners: dict[str, str] = {}
    named = [*((place, name, "variable") for place, name in variables), *_step_names(nodes)]
    for place, name, kind in named:
        if name in RESERVED_NAMES:
            yield problem_at((*place, "name"), "reserved_name", f"'{name}' is a reserved name")
        elif name in owners:
            message = f"the name '{name}' is already used by a {owners[name]}"
            yield problem_at((*place, "name"), "duplicate_name", message)
        owners.setdefault(name, kind)
    for node in walk(nodes):
        yield from _extract_problems(node, owners)


def _step_names(nodes: list[Node]) -> Iterator[tuple[Place, str, str]]:
    return ((node.place, node.name, "step") for node in walk(nodes) if node.name is not None)


def _extract_problems(node: Node, owners: dict[str, str]) -> Iterator[Problem]:
    for name in node.extracts:
        place = (*node.place, "extract", name)
        if name in RESERVED_NAMES:
            yield problem_at(place, "reserved_name", f"'{name}' is a reserved name")
        elif owners.get(name) == "step":
            yield problem_at(place, "duplicate_name", f"'{name}' is a step's name: extract into another one")


# --- references -----------------------------------------------------------------------------------


class ReferenceCheck:
    """Goes through the steps in the order in which they run, and knows which names have a value by then."""

    def __init__(self, names: Iterable[str], nodes: list[Node]) -> None:
        """Start with the names of the flow's variables and of the team's environments."""
        self._nodes = nodes
        self._values = set(names)
        self._steps: set[str] = set()
        self._all_steps = {node.name: node for node in walk(nodes) if node.name is not None}
        self._extracts = {name: node.name or "" for node in walk(nodes) for name in node.extracts}
        self.problems: list[Problem] = []

    def run(self) -> list[Problem]:
        """Return what is wrong with the references of all steps. Clean-up steps run last."""
        self._check(node for node in self._nodes if node.step.get("alwaysRun") is not True)
        self._check(node for node in self._nodes if node.step.get("alwaysRun") is True)
        return self.problems

    def _check(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self._check_step(node)
            self._check(node.inline)
            if node.name is not None:
                self._steps.add(node.name)
            self._values.update(node.extracts)

    def _check_step(self, node: Node) -> None:
        for key, value in own_parts(node).items():
            found, broken = find_references(value)
            place = (*node.place, key)
            self.problems += [
                problem_at((*place, *each.path), "bad_reference", each.message) for each in broken
            ]
            in_loop = node.step.get("forEach") is not None and key not in ("forEach", "when")
            for each in found:
                self._check_one(each, (*place, *each.path), node, in_loop=in_loop)

    def _check_one(self, found: Found, place: Place, node: Node, *, in_loop: bool) -> None:
        if found.kind is Kind.LOOP and not in_loop:
            message = f"{found.text}: {found.name} has a value only in a step with forEach"
            self.problems.append(problem_at(place, "unknown_reference", message))
        elif found.kind is Kind.STEP and found.name not in self._steps:
            self.problems.append(self._unknown_step(found, place, node))
        elif found.kind in (Kind.NAME, Kind.RESULT) and not self._has_value(found.name):
            self._unknown_name(found, place, node)

    def _unknown_name(self, found: Found, place: Place, node: Node) -> None:
        if found.name in self._all_steps:
            self.problems.append(self._unknown_step(found, place, node))
        elif found.name in self._extracts:
            owner = self._extracts[found.name]
            message = f"{found.text}: it has no value yet: {_when(owner, node)}"
            self.problems.append(problem_at(place, "later_reference", message))
        elif not found.has_default:  # with a default it may be a name that only some environment has
            hint = self._hint(found.name, self._values | set(self._all_steps) | set(self._extracts))
            message = f"{found.text}: nothing is named {found.name}{hint}"
            self.problems.append(problem_at(place, "unknown_reference", message))

    def _unknown_step(self, found: Found, place: Place, node: Node) -> Problem:
        if found.name in self._all_steps:
            message = f"{found.text}: it has no result yet: {_when(found.name, node)}"
            return problem_at(place, "later_reference", message)
        hint = self._hint(found.name, set(self._all_steps))
        return problem_at(place, "unknown_reference", f"{found.text}: there is no step {found.name}{hint}")

    def _has_value(self, name: str) -> bool:
        return name in self._values or name in self._steps

    def _hint(self, name: str, candidates: Set[str]) -> str:
        return did_you_mean(name, sorted(candidates)) if len(self.problems) < MAX_HINTED else ""


def _when(owner: str, node: Node) -> str:
    return "this step has not ended" if owner == node.name else f"step {owner} runs later"


def own_parts(node: Node) -> dict[str, Any]:
    """Return the parts of a step that may hold references, but not its inline steps, nodes themselves."""
    parts = {key: value for key, value in node.step.items() if key not in _PLAIN_PARTS}
    if node.inline and "meta" in parts:
        parts["meta"] = put_inline(node.meta, {each.place: [] for each in inline_steps(node.step)})
    return parts


def check_default(default: Any, place: Place, above: Set[str], all_names: Set[str]) -> Iterator[Problem]:
    """Yield what is wrong with the references of a variable's default: it may use the variables above it."""
    found, broken = find_references(default)
    for problem in broken:
        yield problem_at((*place, *problem.path), "bad_reference", problem.message)
    for each in found:
        at = (*place, *each.path)
        if each.kind not in (Kind.NAME, Kind.RESULT, Kind.FUNCTION):
            message = f"{each.text}: a default may use functions and the variables above it only"
            yield problem_at(at, "unknown_reference", message)
        elif each.kind in (Kind.NAME, Kind.RESULT) and each.name in all_names - above:
            yield problem_at(
                at, "later_reference", f"{each.text}: a default may use the variables above it only"
            )
        elif each.kind in (Kind.NAME, Kind.RESULT) and each.name not in above and not each.has_default:
            hint = did_you_mean(each.name, sorted(above))
            yield problem_at(
                at, "unknown_reference", f"{each.text}: no variable above is named {each.name}{hint}"
            )
