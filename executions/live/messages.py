"""The messages of the live stream (contract, section 8): typed, in the past tense, one builder a kind.

An update's number is `execution.sequence` after the change, unless the builder is given another.
"""

from __future__ import annotations

import time
from typing import Any, Literal, NotRequired, TypedDict

from executions.models import Execution, ExecutionStep
from executions.presentation import execution_json, step_json
from executions.states import EXECUTION_TERMINAL, ExecutionStatus, StepStatus

UpdateType = Literal["SNAPSHOT", "STEP_UPDATE", "EXECUTION_UPDATE", "MESSAGE"]


class Update(TypedDict):
    """One live message; the keys are wire names."""

    executionId: str
    sequence: int
    timestamp: int  # ms since the epoch
    updateType: UpdateType
    execution: NotRequired[dict[str, Any]]  # without steps in an EXECUTION_UPDATE, with them in a SNAPSHOT
    stepUpdate: NotRequired[dict[str, Any]]
    message: str
    executionStatus: str


STEP_SENTENCES = {
    StepStatus.PENDING: "Step was scheduled",
    StepStatus.IN_PROGRESS: "Step started",
    StepStatus.WAITING: "Step started waiting",
    StepStatus.SUCCESS: "Step completed",
    StepStatus.FAILED: "Step failed",
    StepStatus.ERROR: "Step ended with an error",
    StepStatus.SKIPPED: "Step was skipped",
    StepStatus.CANCELLED: "Step was cancelled",
}
EXECUTION_SENTENCES = {
    ExecutionStatus.PENDING: "Execution was created",
    ExecutionStatus.IN_PROGRESS: "Execution started",
    ExecutionStatus.COMPLETED: "Execution completed",
    ExecutionStatus.FAILED: "Execution failed",
    ExecutionStatus.CANCELLED: "Execution was cancelled",
}


def step_update(
    execution: Execution, step: ExecutionStep, *, sequence: int | None = None, whole: bool = False
) -> Update:
    """Return the update of a step that changed; give `sequence` if one transaction numbered several updates.

    `whole` skips measuring a response that is known to be short enough.
    """
    update = _update(execution, sequence, "STEP_UPDATE", STEP_SENTENCES[StepStatus(step.status)])
    update["stepUpdate"] = {**step_json(step, whole=whole), "stepId": str(step.id)}
    return update


def execution_update(execution: Execution, *, sequence: int | None = None) -> Update:
    """Return the update of an execution that changed itself."""
    update = _update(execution, sequence, "EXECUTION_UPDATE", _execution_sentence(execution))
    update["execution"] = {**execution_json(execution), "sequence": update["sequence"]}
    return update


def message(execution: Execution, text: str, *, sequence: int | None = None) -> Update:
    """Return an update that only carries a text."""
    return _update(execution, sequence, "MESSAGE", text)


def snapshot(execution: Execution, steps: list[ExecutionStep]) -> Update:
    """Return the snapshot of everything: `execution` is what REST returns."""
    update = _update(execution, None, "SNAPSHOT", _execution_sentence(execution))
    update["execution"] = execution_json(execution, steps)
    return update


def is_final(update: Update) -> bool:
    """Return whether nothing can come after this update."""
    return (
        update["updateType"] in ("EXECUTION_UPDATE", "SNAPSHOT")
        and update["executionStatus"] in EXECUTION_TERMINAL
    )


def for_team(update: Update) -> dict[str, Any]:
    """Return the short form of an EXECUTION_UPDATE, for those who watch a team's list of runs."""
    execution = update["execution"]
    return {
        "executionId": update["executionId"],
        "sequence": update["sequence"],
        "timestamp": update["timestamp"],
        "updateType": update["updateType"],
        "status": update["executionStatus"],
        **{key: execution[key] for key in TEAM_FIELDS},
    }


TEAM_FIELDS = (
    "flowId",
    "flowName",
    "parentExecutionId",
    "createdAt",
    "startedAt",
    "completedAt",
    "durationMs",
)


def _update(execution: Execution, sequence: int | None, update_type: UpdateType, sentence: str) -> Update:
    return {
        "executionId": str(execution.id),
        "sequence": execution.sequence if sequence is None else sequence,
        "timestamp": time.time_ns() // 1_000_000,
        "updateType": update_type,
        "message": sentence,
        "executionStatus": str(execution.status),
    }


def _execution_sentence(execution: Execution) -> str:
    if execution.cancel_requested_at and execution.status not in EXECUTION_TERMINAL:
        return "Cancel was requested"
    return EXECUTION_SENTENCES[ExecutionStatus(execution.status)]
