"""Reading raw steps into nodes: old names moved, aliases resolved, inline steps found, ids made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.models import new_id
from flows.problems import MAX_HINTED, Place, Problem, invalid, problem_at
from steprunners.documents.envelope import hoist_old_names
from steprunners.documents.problems import kind_of
from steprunners.registry import find_runner, runners, step_types
from steprunners.runner import AnyRunner, FlowId, InlineSteps
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


def inline_steps(step: Mapping[str, Any]) -> Sequence[InlineSteps]:
    """Return the lists of steps inside a raw step, as its step type names them; none where there is no such type."""
    runner, meta = find_runner(step.get("stepType")), step.get("meta")
    return runner.inline_steps(meta) if runner is not None and isinstance(meta, dict) else ()


def flow_ids(step: Mapping[str, Any]) -> Sequence[FlowId]:
    """Return the flows that a raw step names itself; none where there is no such step type."""
    runner, meta = find_runner(step.get("stepType")), step.get("meta")
    return runner.flow_ids(meta) if runner is not None and isinstance(meta, dict) else ()


def put_inline(meta: Mapping[str, Any], steps: Mapping[Place, list[Any]]) -> dict[str, Any]:
    """Return a copy of `meta` with the lists of inline steps at those places replaced.

    Only what is around these lists is copied, and only once: there may be many thousands of them.
    """
    replaced = dict(meta)
    copies: dict[Place, Any] = {}
    for place, replacement in steps.items():
        holder: Any = replaced
        for depth, key in enumerate(place[:-1], start=1):
            if (copied := copies.get(place[:depth])) is None:
                copied = copies[place[:depth]] = holder[key] = holder[key].copy()
            holder = copied
        holder[place[-1]] = replacement
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
        waiting += [inner.steps for step in steps if isinstance(step, dict) for inner in inline_steps(step)]
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
    for inner in runner.inline_steps(node.meta) if runner is not None else ():
        node.inline += _read_list(inner.steps, problems, (*place, "meta", *inner.place))
    return node


def _runner_of(step: dict[str, Any], problems: list[Problem], place: Place) -> AnyRunner | None:
    name = step.get("stepType")
    if not isinstance(name, str):
        return None  # missing or no text: the envelope's check says so
    runner = find_runner(name)
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
