"""Child executions: the flow that a `flow` step, or a condition's branch, runs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress

from accounts.models import User
from executions.admission import RunRefused
from executions.context import secret_texts, with_newest_secrets
from executions.models import Execution, ExecutionStep
from executions.selectors import environment_of, user_of
from executions.services.start import Prepare, start_execution
from executions.states import EXECUTION_TERMINAL, ExecutionStatus, Source
from flows.models import Flow, FlowVersion
from resources.models import Environment
from steprunners.attempts import Answer, Progress
from steprunners.base import RunChild, StepError
from steprunners.json_types import Json
from steprunners.masking import MASK, Masker, texts_of

MAX_DEPTH = 10
#: A child's user and environment, each of which may be deleted while it is written.
MAY_VANISH = 2


def start_child(parent: Execution, step: ExecutionStep, wish: RunChild) -> Execution:
    """Create the child in the caller's transaction; it is published after the commit.

    Raises StepError (`child_refused`) where the flow is deleted, nested too deep, or refuses its variables.
    """
    if parent.depth + 1 > MAX_DEPTH:
        raise StepError(f"flows are nested more than {MAX_DEPTH} deep", code="child_refused")
    secrets = secret_texts(with_newest_secrets(parent))
    try:
        for _ in range(MAY_VANISH):
            # What was deleted at this moment, the child goes without, as one that begins later.
            with suppress(User.DoesNotExist, Environment.DoesNotExist):
                return _start(parent, step, wish, secrets)
        return _start(parent, step, wish, secrets)
    except RunRefused as refusal:
        raise StepError(f"the flow cannot be started: {refusal}", code="child_refused") from refusal


def _start(parent: Execution, step: ExecutionStep, wish: RunChild, secrets: set[str]) -> Execution:
    return start_execution(
        team=parent.team,
        user=user_of(parent),
        source=Source.FLOW,
        version=_pinned_version(parent, wish),
        environment=environment_of(parent),
        variables=_given(wish.variables, Masker(secrets)),
        parent=parent,
        parent_position=step.position,
        prepare=_hiding(secrets),
    )


def _given(variables: Mapping[str, Json], masker: Masker) -> list[dict[str, Json]]:
    """Return the child's variables; those given a secret say so, so that what a default makes of them is secret."""
    return [
        {"name": name, "value": value, "secret": masker.mask(value) != value}
        for name, value in variables.items()
    ]


def _hiding(secrets: set[str]) -> Prepare:
    """Return what makes the parent's secrets secrets of its child, and variables secret that were given one."""

    def prepare(child: Execution, _steps: list[ExecutionStep]) -> None:
        masker, kept = Masker(secrets), dict(child.secrets or {})
        hidden = dict(kept.get("variables", {}))
        for each in child.variables:
            if masker.mask(each["value"]) != each["value"]:
                hidden[each["name"]] = each["value"]
                each.update(value=MASK, secret=True)
        child.secrets = {**kept, "variables": hidden, "more": sorted(secrets)} if secrets else child.secrets

    return prepare


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
    except ValueError:  # what is no id is no flow's either
        flow = None
    if flow is None:
        raise StepError(f"the team has no flow with the id '{flow_id}'", code="child_refused")
    return flow


def answer_of(step: ExecutionStep, progress: Progress) -> Answer | None:
    """Return what the awaited branch or child ended with; None where it has not ended."""
    if progress.child is not None:
        return _child_answer(step, progress, progress.child)
    if progress.branch is not None:
        failed = progress.branch_failed
        reason = f"step {failed} of branch {progress.branch} failed" if failed else None
        return Answer({"matchedBranch": progress.branch}, reason)
    return None


def child_is_over(step: ExecutionStep) -> bool:
    """Return whether the child that the step waits for has ended."""
    progress = Progress.from_json(step.state)
    return progress.child is not None and answer_of(step, progress) is not None


def _child_answer(step: ExecutionStep, progress: Progress, child_id: str) -> Answer | None:
    child = Execution.objects.filter(pk=uuid.UUID(child_id)).defer("draft").first()
    if child is None:
        return Answer({"executionId": child_id}, "the child execution was deleted")
    if child.status not in EXECUTION_TERMINAL:
        return None
    result: dict[str, Json] = {"executionId": str(child.id)}
    if step.step_type == "condition":
        result["matchedBranch"] = progress.branch
    else:
        result |= {"status": str(child.status), "variables": _extracted(child)}
    if child.status == ExecutionStatus.COMPLETED:
        return Answer(result)
    return Answer(result, f"flow {child.flow_name} ended {child.status}")


def _extracted(child: Execution) -> dict[str, Json]:
    values: dict[str, Json] = {}
    rows = child.steps.filter(completed_at__isnull=False).only(
        "execution_id", "extracted", "secret_extracts", "completed_at", "position"
    )
    for row in rows.order_by("completed_at", "position"):
        values.update(row.extracted)
        values.update(row.secret_extracts or {})
    return values


def secrets_of_child(progress: Progress) -> set[str]:
    """Return the texts that the child extracted as secrets: they are secrets of the parent too."""
    if progress.child is None:
        return set()
    child = Execution.objects.only("id", "secrets").filter(pk=uuid.UUID(progress.child)).first()
    if child is None:
        return set()  # it was deleted meanwhile: the answer says so
    rows = child.steps.filter(secret_extracts__isnull=False).only("execution_id", "secret_extracts")
    return secret_texts(child) | {text for row in rows for text in texts_of(row.secret_extracts)}
