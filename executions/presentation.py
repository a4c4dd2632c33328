"""The JSON of executions, steps and attempts (contract, section 7).

REST, live updates and pages all use these functions, so they cannot disagree. They run for every update: plain
dictionaries, no database access. Keys are wire names, times integers in ms since the epoch, ids strings.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from executions.models import Execution, ExecutionStep, StepAttempt
from executions.states import StepStatus
from resources.fields import to_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
LARGEST_RESPONSE = 64 * 1024  # characters of JSON text (ASCII, so also bytes)


def milliseconds(moment: datetime | None) -> int | None:
    """Return ms since the epoch, rounded down; in integers, since floats lose a millisecond now and then."""
    return None if moment is None else (moment - EPOCH) // MILLISECOND


def execution_json(execution: Execution, steps: Iterable[ExecutionStep] | None = None) -> dict[str, Any]:
    """Return the execution as JSON, with its steps if these are given (not in lists and EXECUTION_UPDATE)."""
    shown: dict[str, Any] = {
        "id": str(execution.id),
        "flowId": _text(execution.flow_id),
        "flowName": execution.flow_name,
        "flowVersion": execution.flow_version,
        "teamId": str(execution.team_id),
        "status": str(execution.status),
    }
    if steps is not None:
        shown["steps"] = [step_json(step) for step in steps]
    shown.update(
        variables=execution.variables,
        labels=execution.labels,
        source=str(execution.source),
        userId=_text(execution.user_id),
        environmentId=_text(execution.environment_id),
        parentExecutionId=_text(execution.parent_id),
        testSuiteExecutionId=None,
        rerunOf=_text(execution.rerun_of_id),
        error=execution.error,
        sequence=execution.sequence,
        createdAt=milliseconds(execution.created_at),
        startedAt=milliseconds(execution.started_at),
        completedAt=milliseconds(execution.completed_at),
        cancelRequestedAt=milliseconds(execution.cancel_requested_at),
        durationMs=execution.duration_ms,
        resultsRemovedAt=milliseconds(execution.results_removed_at),
    )
    return shown


def step_json(step: ExecutionStep, *, whole: bool = False) -> dict[str, Any]:
    """Return the step as JSON; a response above LARGEST_RESPONSE is left out unless `whole`."""
    response, omitted = _response(step, whole=whole)
    return {
        "id": str(step.id),
        "flowStepId": step.flow_step_id,
        "name": step.name,
        "stepType": step.step_type,
        "position": step.position,
        "status": str(step.status),
        "attempts": step.attempts,
        "background": step.background,
        "alwaysRun": step.always_run,
        "startedAt": milliseconds(step.started_at),
        "completedAt": milliseconds(step.completed_at),
        "nextAt": milliseconds(step.due_at) if step.status == StepStatus.WAITING else None,
        "durationMs": step.duration_ms,
        "request": step.request,
        "response": response,
        "responseOmitted": omitted,
        "resultTruncated": bool(step.cut_paths),
        "reused": step.reused,
        "assertions": step.assertions,
        "extracted": step.extracted,
        "error": step.error,
    }


def attempt_json(attempt: StepAttempt) -> dict[str, Any]:
    """Return the attempt as JSON; `item` is the index inside a `forEach`, null outside."""
    return {
        "number": attempt.number,
        "item": attempt.item,
        "status": str(attempt.status),
        "startedAt": milliseconds(attempt.started_at),
        "completedAt": milliseconds(attempt.completed_at),
        "durationMs": attempt.duration_ms,
        "waitedMs": attempt.waited_ms,
        "request": attempt.request,
        "response": attempt.response,
        "assertions": attempt.assertions,
        "error": attempt.error,
    }


def _response(step: ExecutionStep, *, whole: bool) -> tuple[Any, bool]:
    """Return the response to show, and whether it was left out."""
    if whole:
        return step.response, False
    annotated = step.__dict__
    if "response_length" in annotated:  # from selectors.steps_to_show: large ones stayed in the database
        return annotated["shown_response"], (annotated["response_length"] or 0) > LARGEST_RESPONSE
    if len(to_text(step.response) or "") > LARGEST_RESPONSE:
        return None, True
    return step.response, False


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)
