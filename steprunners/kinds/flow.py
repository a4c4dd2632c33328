"""`flow`: runs another flow as a child execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from steprunners.config import StepConfig, StepResult
from steprunners.json_types import Json
from steprunners.runner import FlowId, RunChild, StepContext, StepRunner


class FlowConfig(StepConfig):
    """Which flow to run, and with which variables."""

    flow_id: str = Field(min_length=1, max_length=200)
    version: int | None = Field(None, ge=1, description="The newest version if it is left out.")
    variables: dict[str, Json] = Field(default_factory=dict, description="Values for the flow's variables.")


class FlowResult(StepResult):
    """How the child ended, and what it extracted."""

    execution_id: str
    status: str
    variables: dict[str, Json] = Field(default_factory=dict)


class FlowRunner(StepRunner[FlowConfig, None]):
    """Lets the engine run the flow; the step ends as the child does."""

    type = "flow"
    label = "Flow"
    description = "Runs another flow and ends as that flow does; its extracted variables are the result."
    notes = "Versions are pinned when the run is created. Flows may call flows up to ten levels deep."
    result_class = FlowResult
    has_deadline = False
    repeatable = True
    example: ClassVar[dict[str, Any]] = {
        "name": "sign_in",
        "stepType": "flow",
        "meta": {"flowId": "0193a5b0-0000-7000-8000-000000000001", "variables": {"user": "alice"}},
    }

    def run(self, config: FlowConfig, _context: StepContext[None]) -> RunChild:
        """Return which flow to run."""
        return RunChild(config.flow_id, config.version, config.variables)

    def flow_ids(self, meta: Mapping[str, Any]) -> list[FlowId]:
        """Return the flow that it runs."""
        if "flowId" not in meta:
            return []
        return [FlowId(("flowId",), meta["flowId"], meta.get("version"), meta.get("variables"))]
