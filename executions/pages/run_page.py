"""The data of a run's page: the execution and the outline of its steps.

The outline has no requests and responses, so that a page of 1 000 steps stays small. The page loads a step when it is
opened.
"""

from __future__ import annotations

from typing import Any

from executions.models import Execution, ExecutionStep, StepAttempt
from executions.presentation import execution_json, milliseconds
from executions.states import STEP_BAD, StepStatus

OUTLINE_FIELDS = (
    "id",
    "execution_id",
    "position",
    "name",
    "flow_step_id",
    "step_type",
    "group",
    "branch",
    "status",
    "attempts",
    "background",
    "always_run",
    "started_at",
    "completed_at",
    "due_at",
    "duration_ms",
    "reused",
    "error",
)
MOST_ATTEMPTS = 5_000  # ticks on one page; nobody could see more


def outline(step: ExecutionStep) -> dict[str, Any]:
    """Return what the timeline shows of a step; wire names as in the contract, plus `group` and `branch`."""
    return {
        "id": str(step.id),
        "flowStepId": step.flow_step_id,
        "name": step.name,
        "stepType": step.step_type,
        "position": step.position,
        "group": step.group,
        "branch": step.branch,
        "status": str(step.status),
        "attempts": step.attempts,
        "background": step.background,
        "alwaysRun": step.always_run,
        "startedAt": milliseconds(step.started_at),
        "completedAt": milliseconds(step.completed_at),
        "nextAt": milliseconds(step.due_at) if step.status == StepStatus.WAITING else None,
        "durationMs": step.duration_ms,
        "reused": step.reused,
        "error": step.error,
    }


def outlines(execution: Execution) -> list[dict[str, Any]]:
    """Return the steps' outlines in order; those that went wrong also say which assertions failed."""
    shown = [outline(step) for step in execution.steps.only(*OUTLINE_FIELDS)]
    bad = dict(execution.steps.filter(status__in=STEP_BAD).values_list("id", "assertions"))
    assertions = {str(identifier): value for identifier, value in bad.items()}
    for step in shown:
        if step["id"] in assertions:
            step["assertions"] = assertions[step["id"]]
    return shown


def activity(execution: Execution) -> dict[str, Any]:
    """Return the attempts of the steps that had several, and the child executions.

    `ticks`: `{step id: [[number, status, startedAt, durationMs], ...]}`; `children`:
    `[{id, position, flowName, status}]`, where `position` is that of the step that started the child.
    """
    ticks: dict[str, list[list[Any]]] = {}
    attempts = StepAttempt.objects.filter(step__execution=execution, step__attempts__gt=1).order_by("number")
    fields = ("step_id", "number", "status", "started_at", "duration_ms")
    for step_id, number, status, started_at, duration_ms in attempts.values_list(*fields)[:MOST_ATTEMPTS]:
        ticks.setdefault(str(step_id), []).append([number, status, milliseconds(started_at), duration_ms])
    # With parent_id: Django reads each child's parent, and would load the id with a query for each.
    children = execution.children.only("id", "parent_id", "parent_position", "flow_name", "status")
    return {
        "ticks": ticks,
        "children": [
            {
                "id": str(child.id),
                "position": child.parent_position,
                "flowName": child.flow_name,
                "status": str(child.status),
            }
            for child in children.order_by("created_at")
        ],
    }


def failures_of(steps: list[dict[str, Any]], error: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the failed steps of this run and the reasons: `[{step, message}]`. `error` is the run's."""
    return [
        {"step": step, "message": why(step, error)}
        for step in steps
        if step["status"] in STEP_BAD and not step["reused"]
    ]


def why(step: dict[str, Any], error: dict[str, Any] | None = None) -> str:
    """Return the reason in one line: the first assertion that failed, else the step's error, else the run's own."""
    for assertion in step.get("assertions") or []:
        if not assertion.get("passed"):
            return str(
                assertion.get("message") or f"{assertion.get('field')} {assertion.get('operator')} failed"
            )
    if message := (step.get("error") or {}).get("message"):
        return str(message)
    if error and error.get("step") == step.get("name"):  # assertions are removed with the results; this stays
        return str(error["message"]).removeprefix(f"{step['name']}: ")
    return "The step gives no further details."


def page_data(execution: Execution, *, may_run: bool) -> dict[str, Any]:
    """Return the JSON that the page's script starts from."""
    return {
        "execution": execution_json(execution),
        "steps": outlines(execution),
        "activity": activity(execution),
        "mayRun": may_run,
    }
