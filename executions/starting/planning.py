"""Plans the step rows of an execution from a flow document: order, links between steps, and references."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from executions.models import Execution, ExecutionStep
from executions.states import START, StepStatus
from flows.documents.steps import put_inline
from steprunners.documents.envelope import StepEnvelope, dump
from steprunners.json_types import Json
from steprunners.references.resolution import Kind, find_references, holds_reference
from steprunners.registry import runners
from steprunners.runner import StepRunner

#: The parts of an envelope in which references are resolved.
_READING = ("meta", "when", "until", "assertions", "extract", "forEach")


@dataclass
class Planned:
    """A step on its way to a row."""

    position: int
    envelope: StepEnvelope
    document: dict[str, Any]
    group: int | None
    branch: int | None
    background: bool
    always_run: bool
    disabled: bool
    needs: list[list[Any]] = field(default_factory=list)
    next_position: int | None = None
    end_position: int = 0
    release: list[int] = field(default_factory=list)
    branches: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The steps in document order, and where the execution begins."""

    steps: list[Planned]
    cursor: int | None
    release: list[int]
    clean_up_position: int | None
    remaining: int
    #: The resources that the steps name themselves: (type, id or name).
    resources: frozenset[tuple[str, str]] = frozenset()
    #: Whether one of the steps may read from where the execution began.
    records_starts: bool = False

    @property
    def is_concurrent(self) -> bool:
        """Whether steps run beside each other."""
        return any(step.background for step in self.steps)

    def apply_to(self, execution: Execution) -> list[ExecutionStep]:
        """Set where the execution begins; return its unsaved step rows."""
        execution.cursor = self.cursor
        execution.release = self.release
        execution.clean_up_position = self.clean_up_position
        execution.remaining = self.remaining
        return [_row(execution, step) for step in self.steps]


def plan(steps: Iterable[StepEnvelope], variables: Collection[str] = ()) -> Plan:
    """Return the plan for the steps of a valid document; `variables` are those that it declares."""
    planned = list(_flatten(steps))
    _link_needs(planned, variables)
    _link_starts(planned)
    main = [step for step in planned if not step.always_run]
    entries = {family: _link_siblings(siblings) for family, siblings in _families(planned).items()}
    for step in planned:
        for branch, place in step.branches.items():
            step.branches[branch] = [
                *place,
                *entries.get((step.position, int(branch), step.always_run), (None, [])),
            ]
    cursor, release = entries.get((None, None, False), (None, []))
    return Plan(
        steps=planned,
        cursor=cursor,
        release=release,
        clean_up_position=next((step.position for step in planned if _starts_clean_up(step)), None),
        remaining=sum(not step.disabled for step in main),
        resources=frozenset(named for step in planned if (named := _resource_of(step)) is not None),
        records_starts=any(_records_start(step) for step in planned),
    )


def _resource_of(step: Planned) -> tuple[str, str] | None:
    wanted = runners()[step.envelope.step_type].resource_type
    named = step.envelope.meta.get("resourceId")
    if step.disabled or wanted is None or not isinstance(named, str) or holds_reference(named):
        return None
    return wanted, named


def _records_start(step: Planned) -> bool:
    return type(runners()[step.envelope.step_type]).start_key is not StepRunner.start_key


def _starts_clean_up(step: Planned) -> bool:
    return step.always_run and not step.disabled


# --- order ----------------------------------------------------------------------------------------


def _flatten(steps: Iterable[StepEnvelope]) -> Iterator[Planned]:
    counter = iter(range(1_000_000))
    for step in steps:
        yield from _with_inner(step, counter, group=None, branch=None, above=None)


def _with_inner(
    step: StepEnvelope,
    counter: Iterator[int],
    *,
    group: int | None,
    branch: int | None,
    above: Planned | None,
) -> Iterator[Planned]:
    document: dict[str, Any] = dump(step)
    planned = Planned(
        position=next(counter),
        envelope=step,
        document=document,
        group=group,
        branch=branch,
        background=step.run_in_background or (above is not None and above.background),
        always_run=step.always_run or (above is not None and above.always_run),
        disabled=step.disabled or (above is not None and above.disabled),
    )
    yield planned
    planned.end_position = planned.position
    inline = [each for each in runners()[step.step_type].inline_steps(step.meta) if each.steps]
    for inner in inline:
        start = planned.end_position + 1
        for each in inner.steps:
            child = StepEnvelope.model_validate(each)
            for below in _with_inner(
                child, counter, group=planned.position, branch=inner.branch, above=planned
            ):
                yield below
                planned.end_position = below.position
        planned.branches[str(inner.branch)] = [start, planned.end_position]
    if inline:  # these steps are rows of their own: only their names stay here
        names = {inner.place: [step["name"] for step in inner.steps] for inner in inline}
        document["meta"] = put_inline(document["meta"], names)


# --- links ----------------------------------------------------------------------------------------


#: The condition and branch that steps are in, and whether they are clean-up.
Family = tuple[int | None, int | None, bool]
#: The first foreground step of a family, and the background steps before it.
Entry = tuple[int | None, list[int]]


def _families(planned: list[Planned]) -> dict[Family, list[Planned]]:
    """Return the enabled steps by (condition, branch, clean-up), each in order."""
    families: dict[Family, list[Planned]] = {}
    for step in planned:
        if not step.disabled:
            families.setdefault((step.group, step.branch, step.always_run), []).append(step)
    return families


def _link_siblings(siblings: list[Planned]) -> Entry:
    """Link each foreground step to the next, and to the background steps between; return the family's entry."""
    entry: Entry = (None, [])
    last: Planned | None = None
    waiting: list[int] = []
    for step in siblings:
        if step.envelope.run_in_background:
            waiting.append(step.position)
            continue
        entry, waiting = _linked(last, step.position, waiting, entry)
        last = step
    if last is None:
        return None, waiting
    last.release = waiting
    return entry


def _linked(last: Planned | None, position: int, waiting: list[int], entry: Entry) -> tuple[Entry, list[int]]:
    if last is None:
        return (position, waiting), []
    last.next_position, last.release = position, waiting
    return entry, []


def _link_needs(planned: list[Planned], variables: Collection[str]) -> None:
    by_name = {step.envelope.name: step.position for step in planned}
    extractors: dict[str, list[int]] = {}
    # In the order in which they run: a variable comes from an earlier step, and no step waits for a later one.
    for step in sorted(planned, key=lambda each: (each.always_run, each.position)):
        found = _needs_of(step.document, by_name, extractors, variables)
        step.needs = [
            [position, found[position]]
            for position in sorted(found)
            if position != step.position and not (step.background and _encloses(planned[position], step))
        ]
        for variable in step.envelope.extract:
            extractors.setdefault(variable, []).append(step.position)


def _encloses(condition: Planned, step: Planned) -> bool:
    """Return whether the step is inside the condition: in the background each would wait for the other."""
    return condition.position < step.position <= condition.end_position


def _needs_of(
    document: Mapping[str, Any],
    by_name: Mapping[str, int],
    extractors: Mapping[str, list[int]],
    variables: Collection[str],
) -> dict[int, bool]:
    """Return the positions of the steps that the document refers to, and whether it needs their result."""
    needs: dict[int, bool] = {}
    reading: dict[str, Json] = {part: document[part] for part in _READING if part in document}
    for reference in find_references(reading)[0]:
        if reference.name in by_name:
            position = by_name[reference.name]
            required = reference.kind is not Kind.STEP and not reference.has_default
            needs[position] = needs.get(position, False) or required
        sources = extractors.get(reference.name, [])
        only = len(sources) == 1 and reference.name not in variables and not reference.has_default
        for position in sources:
            needs[position] = needs.get(position, False) or only
    return needs


def _link_starts(planned: list[Planned]) -> None:
    """Let the steps after a background listener wait until it has started: they may send what it listens for."""
    listening: dict[Family, list[int]] = {}
    for step in planned:
        if step.disabled:
            continue
        family = (step.group, step.branch, step.always_run)
        needed = {position for position, _ in step.needs}
        step.needs += [[each, START] for each in listening.get(family, []) if each not in needed]
        if not step.envelope.run_in_background:
            listening.pop(family, None)  # what follows it comes after the listeners too
        elif runners()[step.envelope.step_type].has_origin(step.envelope.meta):
            for each in _families_after(step, planned):
                listening.setdefault(each, []).append(step.position)


def _families_after(step: Planned, planned: list[Planned]) -> Iterator[Family]:
    """Yield the family of the step, and those of the conditions around it as far as the foreground waits for them."""
    yield step.group, step.branch, step.always_run
    if step.group is not None and not planned[step.group].background:
        yield from _families_after(planned[step.group], planned)


def _row(execution: Execution, step: Planned) -> ExecutionStep:
    return ExecutionStep(
        execution=execution,
        position=step.position,
        name=step.envelope.name,
        flow_step_id=step.envelope.id or step.envelope.name,
        step_type=runners()[step.envelope.step_type].type,
        definition=step.document,
        needs=step.needs,
        group=step.group,
        branch=step.branch,
        end_position=step.end_position,
        next_position=step.next_position,
        release=step.release,
        branches=step.branches or None,
        background=step.background,
        always_run=step.always_run,
        status=StepStatus.SKIPPED if step.disabled else StepStatus.PENDING,
    )
