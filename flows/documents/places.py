"""Where a place of a flow document (`steps.2.meta.url`) stands in its YAML text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import inf

import yaml

from flows.problems import Problem
from steprunners.budgets.effort import tick, working

_LINE_IN_MESSAGE = re.compile(r"line (\d+), column (\d+)")
Position = tuple[int, int]


@working(processor=inf)
def positions_of(text: str, problems: Iterable[Problem]) -> list[Position | None]:
    """Return line and column, counted from 1, for each problem; None where it has no place in the text.

    Where a place is missing from the text (`steps.0.name is required`) it is the nearest thing around it.
    """
    problems = list(problems)
    if any(
        problem.code in ("parse_error", "too_deep", "too_large") and not problem.place for problem in problems
    ):
        return [
            _from_message(problem) for problem in problems
        ]  # what cannot be read safely is not read again
    root, keys = _compose(text), _Keys()
    return [_from_message(problem) or _find(root, problem.place.split("."), keys) for problem in problems]


def _from_message(problem: Problem) -> Position | None:
    found = _LINE_IN_MESSAGE.match(problem.message)
    return (int(found[1]), int(found[2])) if found else None


def _compose(text: str) -> yaml.Node | None:
    try:
        # Nodes, not objects: an alias is the same node again, so nothing multiplies here.
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return None
    return root


class _Keys:
    """The keys of the objects that were looked into, each read once."""

    def __init__(self) -> None:
        self._known: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}

    def of(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        known = self._known.get(id(node))
        if known is None:
            known = {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}
            self._known[id(node)] = known
        return known


def _find(node: yaml.Node | None, parts: list[str], keys: _Keys) -> Position | None:
    if node is None:
        return None
    mark = node.start_mark
    while parts:
        tick()
        key, value, parts = _step_into(node, parts, keys)
        if value is None:
            break
        mark, node = (key or value).start_mark, value
    return mark.line + 1, mark.column + 1


def _step_into(
    node: yaml.Node, parts: list[str], keys: _Keys
) -> tuple[yaml.Node | None, yaml.Node | None, list[str]]:
    """Return the key's node, the value's node and the parts that remain; no value where there is none."""
    if isinstance(node, yaml.SequenceNode) and parts[0].isdecimal() and int(parts[0]) < len(node.value):
        return None, node.value[int(parts[0])], parts[1:]
    if isinstance(node, yaml.MappingNode):
        known = keys.of(node)
        for length in range(1, len(parts) + 1):  # a key may hold dots itself
            if (name := ".".join(parts[:length])) in known:
                return *known[name], parts[length:]
    return None, None, []
