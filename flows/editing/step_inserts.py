"""New steps for a text, from the example of their type; and one step alone, to be tried."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from flows.documents.parsing import parse_body
from flows.documents.steps import inline_steps
from flows.editing.edits import YAML, insert_item
from flows.editing.step_places import StepPlace, step_at, step_places
from flows.problems import Place
from steprunners.json_types import Json
from steprunners.runner import AnyRunner


def insert_step(text: str, runner: AnyRunner, line: int, resource: str | None) -> tuple[str, int]:
    """Return the text with an example of the type after the step at the line (or last), and the new step's line.

    `resource` is what the team has for it. Raises FlowInvalid and CannotEdit.
    """
    places = step_places(text)
    current = step_at(places, line)
    steps = parse_body(text.encode(), YAML).get("steps")
    count = len(steps) if isinstance(steps, list) else 0
    place: Place = (*current.place[:-1], int(current.place[-1]) + 1) if current else ("steps", count)
    written = insert_item(text, place, _example(runner, _taken(text, places), resource))
    made = next(each for each in step_places(written) if each.place == place)
    return written, made.first


def _example(runner: AnyRunner, taken: set[str], resource: str | None) -> dict[str, Json]:
    example = copy.deepcopy(runner.example)
    for step in _all_steps(example):
        step["name"] = _free(str(step["name"]), taken)
        taken.add(step["name"])
    if resource is not None and "resourceId" in example["meta"]:
        example["meta"]["resourceId"] = resource
    return example


def _all_steps(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield step
    for inner in inline_steps(step):
        for each in inner.steps:
            yield from _all_steps(each)


def _taken(text: str, places: list[StepPlace]) -> set[str]:
    variables = parse_body(text.encode(), YAML).get("variables")
    named = [each.step for each in places]
    named += [each for each in variables if isinstance(each, dict)] if isinstance(variables, list) else []
    return {str(each.get("name")) for each in named}


def _free(name: str, taken: set[str]) -> str:
    number = 1
    found = name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def alone(text: str, line: int) -> tuple[str, dict[str, Json]] | None:
    """Return the name of the step at the line, and a flow of it alone; None where the line is in none.

    What it would take from earlier steps becomes a variable that the run asks for. Raises FlowInvalid.
    """
    document = parse_body(text.encode(), YAML)
    places = step_places(text)
    current = step_at(places, line)
    if current is None:
        return None
    variables = document.get("variables")
    known = list(variables) if isinstance(variables, list) else []
    declared = {each.get("name") for each in known if isinstance(each, dict)}
    asked = [each for each in _extracted(places, current) if each["name"] not in declared]
    # Alone it runs at once and to its end, whatever its place among the others was.
    step = {
        key: value
        for key, value in current.step.items()
        if key not in ("disabled", "runInBackground", "alwaysRun")
    }
    name = str(step.get("name", ""))
    title = f"{document.get('name') or 'Flow'}: {name}"
    return name, {"name": title[:200], "variables": [*known, *asked], "steps": [step]}


def _extracted(places: list[StepPlace], current: StepPlace) -> Iterator[dict[str, Json]]:
    """Yield a variable for each value that another step extracts and this one refers to."""
    said = json.dumps(current.step)
    seen: set[str] = set()
    for each in places:
        extract: Any = each.step.get("extract")
        for name in extract if isinstance(extract, Mapping) and each is not current else ():
            if name not in seen and f"${{{name}" in said:
                seen.add(name)
                told = f"What {each.step.get('name')} would extract"
                yield {"name": name, "type": "json", "required": True, "description": told}
