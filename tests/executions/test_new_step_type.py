"""A new step type with inline steps and flows needs no change outside its own file.

`either` has other keys than `condition`: `{left: [steps], right: {steps: [steps]}, otherwise: flow id}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest

from accounts.models import Team, User
from executions.engine.start_positions import record_starts
from executions.models import Execution
from executions.starting.pinned_versions import pinned_versions
from executions.starting.planning import plan
from executions.states import ExecutionStatus, StepStatus
from flows.documents.document import FlowInvalid, check_document
from flows.documents.step_links import Surroundings
from flows.editing.step_places import step_places
from flows.models import Flow
from flows.services import create_flow
from steprunners import registry
from steprunners.config import StepConfig, StepResult
from steprunners.runner import FlowId, InlineSteps, Place, RunChild, StepContext, StepRunner, TakeBranch
from tests.executions.driving import begin, delay, drive

RIGHT: Place = ("right", "steps")


class EitherConfig(StepConfig):
    """Which of the two lists to run; neither: the flow."""

    unresolved: ClassVar = frozenset({"left", "right"})

    left: list[Any]
    right: dict[str, Any]
    take: str = "left"
    otherwise: str | None = None
    only_if: Any = None


class EitherRunner(StepRunner[EitherConfig, None]):
    """Takes one of two lists of steps, or a flow."""

    type, label, description, result_class = "either", "Either", "Runs one of two lists.", StepResult
    has_deadline = False
    repeatable = True
    example: ClassVar[dict[str, Any]] = {"name": "e", "stepType": "either", "meta": {"left": [], "right": {}}}

    def run(self, config: EitherConfig, context: StepContext[None]) -> TakeBranch:
        if config.take == "flow":
            return TakeBranch(9, child=RunChild(str(config.otherwise)))
        if config.take == "nothing":
            return TakeBranch(None, failure="neither was wanted")
        return TakeBranch({"left": 7, "right": 8}[config.take])

    def inline_steps(self, meta: Mapping[str, Any]) -> list[InlineSteps]:
        right = meta.get("right")
        lists = [
            (("left",), 7, meta.get("left")),
            (RIGHT, 8, right.get("steps") if isinstance(right, dict) else None),
        ]
        return [InlineSteps(place, branch, each) for place, branch, each in lists if isinstance(each, list)]

    def flow_ids(self, meta: Mapping[str, Any]) -> list[FlowId]:
        return [FlowId(("otherwise",), meta["otherwise"])] if "otherwise" in meta else []

    def conditions(self, meta: Mapping[str, Any]) -> list[tuple[Place, Any]]:
        return [(("onlyIf",), meta["onlyIf"])] if "onlyIf" in meta else []


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the registry find the new step type, as if it were a file in `kinds/`."""
    found = registry._runner_classes
    monkeypatch.setattr(registry, "_runner_classes", lambda: [*found(), EitherRunner])
    _forget()
    yield
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    for cached in (registry.runners, registry.step_types, registry.connection_classes):
        cached.cache_clear()


def either(name: str, left: list[dict[str, Any]], right: list[dict[str, Any]], **meta: Any) -> dict[str, Any]:
    return {"name": name, "stepType": "either", "meta": {"left": left, "right": {"steps": right}, **meta}}


def places_of(raw: dict[str, Any]) -> list[tuple[str, str]]:
    around = Surroundings({}, lambda _: None)
    with pytest.raises(FlowInvalid) as caught:
        check_document({"name": "F", "steps": [raw]}, around=around)
    return [(problem.place, problem.code) for problem in caught.value.problems]


def test_inline_steps_are_checked_at_their_places() -> None:
    assert places_of(either("e", [delay("a", ms=-1)], [{**delay("b"), "stepType": "dely"}])) == [
        ("steps.0.meta.left.0.meta.delayMs", "greater_than_equal"),
        ("steps.0.meta.right.steps.0.stepType", "unknown_step_type"),
    ]


def test_names_and_references_reach_inline_steps() -> None:
    reads = {**delay("b"), "description": "", "when": {"left": "${a.delayedMs}", "operator": "exists"}}
    check_document({"name": "F", "steps": [either("e", [delay("a")], []), reads]})
    assert places_of(either("e", [delay("a")], [delay("a")])) == [
        ("steps.0.meta.right.steps.0.name", "duplicate_name")
    ]


def test_flows_and_conditions_are_checked() -> None:
    broken = {"left": 1, "operator": "nearly"}
    assert places_of(either("e", [], [], otherwise="gone", onlyIf=broken)) == [
        ("steps.0.meta.onlyIf.operator", "value_error"),
        ("steps.0.meta.otherwise", "unknown_flow"),
    ]


def test_every_inline_step_gets_an_id() -> None:
    document = check_document({"name": "F", "steps": [either("e", [delay("a")], [delay("b")])]})
    assert set(document.step_ids()) == {"e", "a", "b"}


def test_the_editor_finds_inline_steps() -> None:
    text = "steps:\n- name: e\n  stepType: either\n  meta:\n    right:\n      steps:\n      - {name: b}\n"
    assert [each.dotted for each in step_places(text)] == ["steps.0", "steps.0.meta.right.steps.0"]


def test_planning_leaves_names_in_place_of_inline_steps() -> None:
    document = check_document({"name": "F", "steps": [either("e", [delay("a")], [delay("b"), delay("c")])]})
    planned = plan(document.steps).steps
    assert [(each.envelope.name, each.group, each.branch) for each in planned] == [
        ("e", None, None), ("a", 0, 7), ("b", 0, 8), ("c", 0, 8),
    ]  # fmt: skip
    assert planned[0].document["meta"] == {"left": ["a"], "right": {"steps": ["b", "c"]}}


@pytest.fixture
def below(team: Team, alice: User) -> Flow:
    document = check_document({"name": "Below", "steps": [delay("deep")]})
    return create_flow(team=team, user=alice, document=document)


@pytest.mark.django_db
def test_its_flows_are_pinned(team: Team, below: Flow) -> None:
    inner = either("inner", [], [], otherwise=str(below.pk))
    document = check_document({"name": "F", "steps": [either("e", [inner], [])]})
    assert pinned_versions(team, document) == {str(below.pk): 1}


def statuses(execution: Execution) -> dict[str, str]:
    return {step.name: str(step.status) for step in execution.steps.all()}


@pytest.mark.parametrize(("take", "ran", "skipped"), [("left", "a", "b"), ("right", "b", "a")])
def test_the_engine_runs_the_chosen_list(driven: None, team: Team, take: str, ran: str, skipped: str) -> None:
    execution = drive(begin(team, [either("e", [delay("a")], [delay("b")], take=take)]))
    found = statuses(execution)
    assert (found["e"], found[ran], found[skipped]) == ("SUCCESS", "SUCCESS", "SKIPPED")


def test_the_engine_runs_its_flow(driven: None, team: Team, below: Flow) -> None:
    step = either("e", [delay("a")], [], take="flow", otherwise=str(below.pk))
    execution = drive(begin(team, [step]))
    drive(execution.children.get())
    execution = drive(execution)
    assert execution.status == ExecutionStatus.COMPLETED
    assert execution.steps.get(name="e").response["matchedBranch"] == 9


def test_taking_no_branch_may_be_a_failure(driven: None, team: Team) -> None:
    execution = drive(begin(team, [either("e", [delay("a")], [], take="nothing")]))
    step = execution.steps.get(name="e")
    assert (step.status, step.error["message"]) == (StepStatus.FAILED, "neither was wanted")


def test_recording_starts_looks_into_its_flow(
    driven: None, team: Team, below: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_into: list[str] = []

    def watch(_execution: Execution, flow_id: str, *_: Any) -> Iterator[Any]:
        looked_into.append(flow_id)
        yield from ()

    execution = begin(team, [either("e", [], [], otherwise=str(below.pk))])
    execution.positions = {"pending": True}
    monkeypatch.setattr("executions.engine.start_positions._wanted_in_flow", watch)
    record_starts(execution)
    assert looked_into == [str(below.pk)]
