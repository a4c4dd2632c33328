"""The condition step takes the first branch whose condition holds."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from steprunners.assertions.conditions import evaluate_condition
from steprunners.errors import BadConfig
from steprunners.kinds.condition import ConditionConfig, ConditionRunner
from steprunners.references.resolution import Scope
from steprunners.runner import FlowId, InlineSteps, RunChild, TakeBranch
from tests.steprunners.conftest import MakeContext

RUNNER = ConditionRunner()
SCOPE = Scope(variables={"n": 5})


def branch(right: int, left: str = "${n}") -> dict[str, Any]:
    return {"condition": {"left": left, "operator": "equals", "right": right}, "steps": ["named"]}


def taken(make_context: MakeContext, **meta: Any) -> int | None:
    context = make_context(evaluate=lambda condition: evaluate_condition(condition, SCOPE))
    outcome = RUNNER.run(ConditionConfig.model_validate(meta), context)
    assert isinstance(outcome, TakeBranch)
    return outcome.index


def test_the_first_that_holds(make_context: MakeContext) -> None:
    assert taken(make_context, branches=[branch(4), branch(5), branch(5)]) == 1


def test_else(make_context: MakeContext) -> None:
    assert taken(make_context, branches=[branch(4)], elseFlowId="f") == -1
    assert taken(make_context, branches=[branch(4)], elseSteps=["x"]) == -1


def test_none(make_context: MakeContext) -> None:
    assert taken(make_context, branches=[branch(4)]) is None


def test_a_missing_value_is_one_that_does_not_exist(make_context: MakeContext) -> None:
    missing = {"condition": {"left": "${nobody}", "operator": "notExists"}, "flowId": "f"}
    assert taken(make_context, branches=[missing]) == 0


def test_a_branch_may_be_a_flow(make_context: MakeContext) -> None:
    context = make_context(evaluate=lambda condition: evaluate_condition(condition, SCOPE))
    flow = {"condition": branch(5)["condition"], "flowId": "f"}
    for meta, expected in (
        ({"branches": [flow]}, TakeBranch(0, child=RunChild("f"))),
        ({"branches": [branch(4)], "elseFlowId": "g"}, TakeBranch(-1, child=RunChild("g"))),
    ):
        assert RUNNER.run(ConditionConfig.model_validate(meta), context) == expected


def test_no_match_may_be_a_failure(make_context: MakeContext) -> None:
    context = make_context(evaluate=lambda condition: evaluate_condition(condition, SCOPE))
    meta = {"branches": [branch(4)], "terminateOnNoMatch": True}
    expected = TakeBranch(None, failure="no branch matched")
    assert RUNNER.run(ConditionConfig.model_validate(meta), context) == expected


def test_it_says_what_it_holds() -> None:
    meta = {
        "branches": [{"condition": 1, "steps": ["a"]}, "odd", {"condition": 2, "flowId": "f"}],
        "elseSteps": ["b"],
        "elseFlowId": "g",
    }
    assert RUNNER.inline_steps(meta) == [
        InlineSteps(("branches", 0, "steps"), 0, ["a"]),
        InlineSteps(("elseSteps",), -1, ["b"]),
    ]
    assert RUNNER.flow_ids(meta) == [
        FlowId(("branches", 2, "flowId"), "f"),
        FlowId(("elseFlowId",), "g"),
    ]
    assert RUNNER.conditions(meta) == [
        (("branches", 0, "condition"), 1),
        (("branches", 2, "condition"), 2),
    ]


def test_without_an_execution_there_is_nothing_to_evaluate(make_context: MakeContext) -> None:
    with pytest.raises(BadConfig):
        RUNNER.run(ConditionConfig.model_validate({"branches": [branch(1)]}), make_context())


@pytest.mark.parametrize(
    "meta",
    [
        {"branches": []},
        {"branches": [{"condition": {}}]},
        {"branches": [{**branch(1), "flowId": "f"}]},
        {"branches": [{**branch(1), "other": 1}]},
        {"branches": [branch(1)], "elseFlowId": "f", "elseSteps": []},
    ],
)
def test_bad_config(meta: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ConditionConfig.model_validate(meta)
