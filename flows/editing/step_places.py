"""Where the steps of a flow stand in its YAML text, inline ones too; read from a text that need not be valid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from flows.documents.parsing import parse_body
from flows.documents.steps import inline_steps
from flows.editing.edits import YAML
from flows.editing.nodes import compose_safely, content_end, find_node
from flows.problems import Place


@dataclass(frozen=True, slots=True)
class StepPlace:
    """A step as it is written: its place in the document, and its lines, counted from 1."""

    place: Place
    step: dict[str, Any]
    first: int
    last: int

    @property
    def dotted(self) -> str:
        """The place as problems have it: `steps.2`."""
        return ".".join(map(str, self.place))


def step_places(text: str) -> list[StepPlace]:
    """Return the steps in the order of the text; raise FlowInvalid where it cannot be read."""
    document = parse_body(text.encode(), YAML)
    root = compose_safely(text)
    return list(_placed(text, root, ("steps",), document.get("steps")))


def _placed(text: str, root: yaml.Node, above: Place, steps: Any) -> Iterator[StepPlace]:
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        place = (*above, index)
        node, missing = find_node(root, place)
        if missing or not isinstance(step, dict):
            continue
        last = text.count("\n", 0, content_end(text, node)) + 1
        yield StepPlace(place, step, node.start_mark.line + 1, last)
        for inner in inline_steps(step):
            yield from _placed(text, root, (*place, "meta", *inner.place), inner.steps)


def step_at(places: list[StepPlace], line: int) -> StepPlace | None:
    """Return the innermost step that the line is in."""
    return next((each for each in reversed(places) if each.first <= line <= each.last), None)
