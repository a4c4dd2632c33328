"""Child executions: the flow that a `flow` step, or a condition's branch, runs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress

from accounts.models import User
from executions.models import Execution, ExecutionStep
from executions.selectors.executions import environment_of, user_of
from executions.starting.admission import RunRefused
from executions.starting.start import start_execution
from executions.states import EXECUTION_TERMINAL, ExecutionStatus, Source
from flows.models import Flow, FlowVersion
from resources.models import Environment
from steprunners.errors import StepError
from steprunners.json_types import Json
from steprunners.lifecycle.attempts import Answer, Progress
from steprunners.masking.credentials import MASK
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.masking.masker import Masker
from steprunners.runner import RunChild

MAX_DEPTH = 10
#: A child's user and its environment: each may be deleted while the child is written.
MAY_BE_DELETED = 2


def start_child(
    parent: Execution, step: ExecutionStep, wish: RunChild, request: Json, known_secrets: KnownSecrets
) -> Execution:
    """Create the child in the caller's transaction; its chain is published after the commit.

    `request` is the step's, with secrets masked. Raises StepError (`child_refused`) if the flow is deleted, nested too
    deep, or refuses its variables.
    """
    if parent.depth + 1 > MAX_DEPTH:
        raise StepError(f"flows are nested more than {MAX_DEPTH} levels deep", code="child_refused")
    shown = request.get("variables") if isinstance(request, dict) else None
    try:
        variables = _given(wish.variables, shown if isinstance(shown, dict) else {}, known_secrets.masker)
        for _ in range(MAY_BE_DELETED):
            # Without a user or environment that was deleted just now, like a child that begins later.
            with suppress(User.DoesNotExist, Environment.DoesNotExist):
                return _start(parent, step, wish, variables, known_secrets)
        return _start(parent, step, wish, variables, known_secrets)
    except RunRefused as refusal:
        raise StepError(f"the flow cannot be started: {refusal}", code="child_refused") from refusal


def _start(
    parent: Execution,
    step: ExecutionStep,
    wish: RunChild,
    variables: list[dict[str, Json]],
    known_secrets: KnownSecrets,
) -> Execution:
    return start_execution(
        team=parent.team,
        user=user_of(parent),
        source=Source.FLOW,
        version=_pinned_version(parent, wish),
        environment=environment_of(parent),
        variables=variables,
        parent=parent,
        parent_position=step.position,
        secret_texts=known_secrets.texts,
    )


def _given(variables: Mapping[str, Json], shown: Mapping[str, Json], masker: Masker) -> list[dict[str, Json]]:
    """Return the child's variables; a secret one is marked, so that defaults made from it are secret too."""
    return [
        {"name": name, "value": value, "secret": shown.get(name) != value or masker.mask(value) != value}
        for name, value in variables.items()
    ]


def _pinned_version(parent: Execution, wish: RunChild) -> FlowVersion:
    """Return the version that the step names, or the one that was the newest when the run was created.

    A flow that only a reference named could not be pinned then: its newest version of now is taken.
    """
    flow = _flow_of(parent, wish.flow_id)
    number = wish.version or parent.pins.get(str(flow.id), flow.version)
    found: FlowVersion | None = flow.versions.select_related("flow").filter(number=number).first()
    if found is None:
        raise StepError(f"the flow {flow.name} has no version {number}", code="child_refused")
    return found


def _flow_of(parent: Execution, flow_id: str) -> Flow:
    try:
        flow = Flow.objects.filter(pk=uuid.UUID(flow_id), team=parent.team_id, deleted_at=None).first()
    except ValueError:  # not a UUID
        flow = None
    if flow is None:
        raise StepError(f"the team has no flow with the id '{flow_id}'", code="child_refused")
    return flow


def answer_of(progress: Progress) -> Answer | None:
    """Return the result of the branch or child that the step waits for; None if it has not ended."""
    if progress.child is not None:
        return _child_answer(progress, progress.child)
    if progress.branch is not None:
        failed = progress.branch_failed
        reason = f"step {failed} of branch {progress.branch} failed" if failed else None
        return Answer({"matchedBranch": progress.branch}, reason)
    return None


def child_is_over(step: ExecutionStep) -> bool:
    """Return whether the child that the step waits for has ended."""
    progress = Progress.from_json(step.state)
    return progress.child is not None and answer_of(progress) is not None


def _child_answer(progress: Progress, child_id: str) -> Answer | None:
    child = Execution.objects.filter(pk=uuid.UUID(child_id)).defer("draft").first()
    if child is None:
        return Answer({"executionId": child_id}, "the child execution was deleted")
    if child.status not in EXECUTION_TERMINAL:
        return None
    result: dict[str, Json] = {"executionId": str(child.id)}
    shown: dict[str, Json] | None = None
    if progress.branch is not None:
        result["matchedBranch"] = progress.branch
    else:
        values, hidden = _extracted(child)
        result |= {"status": str(child.status), "variables": values}
        shown = {**result, "variables": {**values, **dict.fromkeys(hidden, MASK)}} if hidden else None
    failed = child.status != ExecutionStatus.COMPLETED
    return Answer(result, f"flow {child.flow_name} ended {child.status}" if failed else None, shown)


def _extracted(child: Execution) -> tuple[dict[str, Json], set[str]]:
    """Return the values that the child extracted, and the names of those that are secret."""
    values: dict[str, Json] = {}
    hidden: set[str] = set()
    rows = child.steps.filter(completed_at__isnull=False).only(
        "execution_id", "extracted", "secret_extracts", "completed_at", "position"
    )
    for row in rows.order_by("completed_at", "position"):
        secret = row.secret_extracts or {}
        values |= {**row.extracted, **secret}
        hidden = (hidden - set(row.extracted)) | set(secret)
    return values, hidden
