"""`condition`: continues with the first branch whose condition holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from steprunners.config import StepConfig, StepResult, Wire
from steprunners.errors import BadConfig
from steprunners.runner import FlowId, InlineSteps, Place, RunChild, StepContext, StepRunner, TakeBranch


class Branch(Wire):
    """A condition, and the flow or the inline steps that run where it holds.

    The steps are checked with the flow that contains them. In an execution their names are in place of them.
    """

    condition: Any
    flow_id: str | None = Field(None, min_length=1)
    steps: list[Any] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Branch:
        if (self.flow_id is None) == (self.steps is None):
            raise ValueError("a branch needs either flowId or steps, and not both")
        return self


class ConditionConfig(StepConfig):
    """The branches, in the order in which they are tried."""

    unresolved: ClassVar = frozenset({"branches", "elseSteps"})

    branches: list[Branch] = Field(min_length=1, max_length=100)
    else_flow_id: str | None = Field(None, min_length=1, description="The flow to run if no condition holds.")
    else_steps: list[Any] | None = Field(None, description="The steps to run if no condition holds.")
    terminate_on_no_match: bool = Field(False, description="Whether the step fails if no condition holds.")

    @model_validator(mode="after")
    def _one_else(self) -> ConditionConfig:
        if self.else_flow_id is not None and self.else_steps is not None:
            raise ValueError("give either elseFlowId or elseSteps, not both")
        return self

    @property
    def has_else(self) -> bool:
        """Whether there is an else branch."""
        return self.else_flow_id is not None or self.else_steps is not None


class ConditionResult(StepResult):
    """Which branch was taken."""

    matched_branch: int | None = Field(description="The index of the branch; -1 is else, null is none.")
    execution_id: str | None = Field(None, description="The child execution, if the branch is a flow.")


class ConditionRunner(StepRunner[ConditionConfig, None]):
    """Chooses a branch; the engine runs it."""

    type = "condition"
    aliases = ("if",)
    label = "Condition"
    description = "Continues with the first branch whose condition holds: with a flow, or with inline steps."
    notes = (
        "In a condition a reference without a value counts as missing: `exists` is false, `notExists` is true, and\n"
        "any other operator is an error. Inline `steps` are steps of the flow like any others. They are SKIPPED if\n"
        "their branch is not taken, and later steps may refer to them.\n\n"
        "`elseFlowId` and `terminateOnNoMatch` may be references. The `flowId` of a branch must be an id."
    )
    result_class = ConditionResult
    has_deadline = False
    repeatable = True
    example: ClassVar[dict[str, Any]] = {
        "name": "by_status",
        "stepType": "condition",
        "meta": {
            "branches": [
                {
                    "condition": {
                        "left": "${order_status:-none}",
                        "operator": "equals",
                        "right": "FULFILLED",
                    },
                    "steps": [{"name": "settle", "stepType": "delay", "meta": {"delayMs": 1}}],
                }
            ],
            "elseSteps": [{"name": "wait_longer", "stepType": "delay", "meta": {"delayMs": 1}}],
        },
    }

    def run(self, config: ConditionConfig, context: StepContext[None]) -> TakeBranch:
        """Return the first branch whose condition holds; raise StepError where one cannot be evaluated."""
        if context.evaluate is None:
            raise BadConfig("a condition needs the values of an execution")
        for index, branch in enumerate(config.branches):
            if context.evaluate(branch.condition):
                return _take(index, branch.flow_id)
        if config.has_else:
            return _take(-1, config.else_flow_id)
        return TakeBranch(None, failure="no branch matched" if config.terminate_on_no_match else None)

    def inline_steps(self, meta: Mapping[str, Any]) -> list[InlineSteps]:
        """Return the `steps` of the branches, then `elseSteps`."""
        found = [
            InlineSteps(("branches", index, "steps"), index, branch["steps"])
            for index, branch in _branches(meta)
            if isinstance(branch.get("steps"), list)
        ]
        if isinstance(meta.get("elseSteps"), list):
            found.append(InlineSteps(("elseSteps",), -1, meta["elseSteps"]))
        return found

    def flow_ids(self, meta: Mapping[str, Any]) -> list[FlowId]:
        """Return the `flowId` of the branches, then `elseFlowId`."""
        found = [
            FlowId(("branches", index, "flowId"), branch["flowId"])
            for index, branch in _branches(meta)
            if "flowId" in branch
        ]
        if "elseFlowId" in meta:
            found.append(FlowId(("elseFlowId",), meta["elseFlowId"]))
        return found

    def conditions(self, meta: Mapping[str, Any]) -> list[tuple[Place, Any]]:
        """Return the `condition` of each branch."""
        return [
            (("branches", index, "condition"), branch["condition"])
            for index, branch in _branches(meta)
            if "condition" in branch
        ]


def _branches(meta: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    branches = meta.get("branches")
    if not isinstance(branches, list):
        return []
    return [(index, branch) for index, branch in enumerate(branches) if isinstance(branch, dict)]


def _take(index: int, flow_id: str | None) -> TakeBranch:
    return TakeBranch(index, child=RunChild(flow_id) if flow_id else None)
