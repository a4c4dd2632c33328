"""Reading raw steps into nodes: old names moved, aliases resolved, inline steps found, ids made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import new_id
from flows.problems import MAX_HINTED, Place, Problem, invalid, problem_at
from steprunners.documents.envelope import hoist_old_names
from steprunners.documents.problems import kind_of
from steprunners.registry import runners, step_types
from steprunners.runner import AnyRunner
from steprunners.values.suggestions import did_you_mean

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")


@dataclass
class Node:
    """A step of the document on its way to be checked; `inline` are the steps inside its branches."""

    place: Place
    step: dict[str, Any]
    runner: AnyRunner | None
    inline: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str | None:
        """The step's name, where it is text at all."""
        name = self.step.get("name")
        return name if isinstance(name, str) else None

    @property
    def meta(self) -> dict[str, Any]:
        """The step's meta, empty where it is no object."""
        meta = self.step.get("meta")
        return meta if isinstance(meta, dict) else {}

    @property
    def extracts(self) -> list[str]:
        """The names of the variables that the step extracts."""
        extract = self.step.get("extract")
        return list(extract) if isinstance(extract, dict) else []


def walk(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield the nodes and those inside them in document order."""
    for node in nodes:
        yield node
        yield from walk(node.inline)


def inline_lists(meta: Mapping[str, Any]) -> list[tuple[Place, list[Any]]]:
    """Return the lists of inline steps in a condition's meta, each with its place inside meta."""
    branches = meta.get("branches")
    candidates: list[tuple[Place, Any]] = [
        (("branches", index, "steps"), branch.get("steps"))
        for index, branch in enumerate(branches if isinstance(branches, list) else [])
        if isinstance(branch, dict)
    ]
    candidates.append((("elseSteps",), meta.get("elseSteps")))
    return [(place, steps) for place, steps in candidates if isinstance(steps, list)]


def put_inline(meta: Mapping[str, Any], steps: Mapping[Place, list[Any]]) -> dict[str, Any]:
    """Return the meta with the lists of inline steps at those places replaced."""
    replaced = dict(meta)
    if ("elseSteps",) in steps:
        replaced["elseSteps"] = steps[("elseSteps",)]
    if isinstance(meta.get("branches"), list):
        replaced["branches"] = [
            {**branch, "steps": steps[place]} if (place := ("branches", index, "steps")) in steps else branch
            for index, branch in enumerate(meta["branches"])
        ]
    return replaced


# --- reading --------------------------------------------------------------------------------------


def read_steps(raw: Any, problems: list[Problem], *, place: Place = ("steps",)) -> list[Node]:
    """Return the steps that can be read, and add what is wrong with the others to `problems`."""
    if not isinstance(raw, list):
        problems.append(problem_at(place, "list_type", f"steps must be a list, not {kind_of(raw)}"))
        return []
    return list(_read_list(raw, problems, place))


def count_steps(raw: list[Any]) -> int:
    """Return how many steps the list holds, inline ones too."""
    count = 0
    waiting = [raw]
    while waiting:
        steps = waiting.pop()
        count += len(steps)
        metas = [
            step["meta"] for step in steps if isinstance(step, dict) and isinstance(step.get("meta"), dict)
        ]
        waiting += [inner for meta in metas for _, inner in inline_lists(meta)]
    return count


def check_count(raw: Any, most: int) -> None:
    """Raise FlowInvalid where the list holds more than `most` steps, inline ones included."""
    count = count_steps(raw) if isinstance(raw, list) else 0
    if count > most:
        raise invalid(
            "too_many_steps",
            f"a flow has at most {most} steps, inline ones included; this one {count}",
            ("steps",),
        )


def _read_list(raw: list[Any], problems: list[Problem], place: Place) -> Iterator[Node]:
    for index, step in enumerate(raw):
        at = (*place, index)
        if isinstance(step, dict):
            yield _read_step(step, problems, at)
        else:
            problems.append(problem_at(at, "dict_type", f"a step must be an object, not {kind_of(step)}"))


def _read_step(step: dict[str, Any], problems: list[Problem], place: Place) -> Node:
    runner = _runner_of(step, problems, place)
    if runner is not None:
        step = {**step, "stepType": runner.type}
    try:
        step = hoist_old_names(step)
    except ValueError as error:
        problems.append(problem_at(place, "value_error", str(error)))
    node = Node(place, step, runner)
    if runner is not None and runner.type == "condition":
        for inner, steps in inline_lists(node.meta):
            node.inline += _read_list(steps, problems, (*place, "meta", *inner))
    return node


def _runner_of(step: dict[str, Any], problems: list[Problem], place: Place) -> AnyRunner | None:
    name = step.get("stepType")
    if not isinstance(name, str):
        return None  # missing or no text: the envelope's check says so
    runner = runners().get(name.lower())
    if runner is None:
        hint = did_you_mean(name, runners()) if len(problems) < MAX_HINTED else ""
        hint = hint or f"; there are {', '.join(each.type for each in step_types())}"
        problems.append(
            problem_at(
                (*place, "stepType"), "unknown_step_type", f"there is no step type '{name[:80]}'{hint}"
            )
        )
    return runner


# --- ids ------------------------------------------------------------------------------------------


def give_ids(nodes: list[Node], ids_before: Mapping[str, str], problems: list[Problem]) -> None:
    """Give every step an id: its own, that of the step of its name in the version before, or a new one."""
    used: set[str] = set()
    for node in walk(nodes):
        if (given := node.step.get("id")) is not None:
            problems += _id_problems(given, used, node.place)
            used.add(str(given))
    for node in walk(nodes):
        if node.step.get("id") is None:
            before = ids_before.get(node.name or "")
            chosen = before if before is not None and before not in used else str(new_id())
            used.add(chosen)
            node.step = {"id": chosen, **{key: value for key, value in node.step.items() if key != "id"}}


def _id_problems(given: Any, used: set[str], place: Place) -> Iterator[Problem]:
    if not isinstance(given, str) or not _ID.match(given):
        yield problem_at(
            (*place, "id"),
            "bad_id",
            "id must be text of 1 to 64 letters, digits and . _ : - (or be left out)",
        )
    elif given in used:
        yield problem_at(
            (*place, "id"), "duplicate_id", f"the id {given} belongs to another step too: leave it out here"
        )
