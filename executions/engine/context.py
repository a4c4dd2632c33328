"""What a step may use: the scope of its references, its connection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from executions import statements
from executions.models import Execution, ExecutionStep
from executions.presentation import milliseconds
from executions.runtime.ended_steps import ended_steps
from executions.states import START, STEP_OPEN, StepStatus
from resources.secrets.encryption import UNREADABLE, SecretsUnreadable
from resources.selectors import connection_of, find_resource, secret_values
from steprunners.config import ConnectionConfig
from steprunners.errors import BadConfig, StepError
from steprunners.json_types import Json
from steprunners.lifecycle.attempts import Progress
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.references.resolution import Scope, StepView


@dataclass(frozen=True)
class ReferencedSteps:
    """The earlier steps that a step refers to."""

    steps: list[ExecutionStep]
    required: frozenset[int]
    #: Whether a listener in the background, which is to be started before the step, is not.
    has_unstarted: bool = False

    def running_background(self) -> bool:
        """Return whether one of them runs in the background and has not ended, or a listener has not started."""
        return self.has_unstarted or any(step.background and step.status in STEP_OPEN for step in self.steps)

    def never_ran(self) -> ExecutionStep | None:
        """Return a step that is required and never ran, if there is one."""
        for step in self.steps:
            if step.position in self.required and step.started_at is None and not _has_result(step):
                return step
        return None


def _has_result(step: ExecutionStep) -> bool:
    return step.response is not None or step.status in (StepStatus.IN_PROGRESS, StepStatus.WAITING)


def load_referenced_steps(step: ExecutionStep) -> ReferencedSteps:
    """Load the earlier steps that `step` refers to, and only those."""
    positions = [position for position, kind in step.needs if kind != START]
    required = frozenset(position for position, kind in step.needs if kind is True)
    found = ended_steps.find(step.execution_id, positions)
    missing = [position for position in positions if position not in found]
    if missing:
        read = statements.reads.earlier_steps(step.execution_id, missing)
        found |= {each.position: each for each in read}
    return ReferencedSteps([found[position] for position in sorted(found)], required, _has_unstarted(step))


def _has_unstarted(step: ExecutionStep) -> bool:
    """Return whether a listener that must start before the step does not know yet where it begins to read."""
    positions = [position for position, kind in step.needs if kind == START]
    if not positions:
        return False
    listeners = ExecutionStep.objects.filter(execution_id=step.execution_id, position__in=positions)
    return any(
        each.status in STEP_OPEN and Progress.from_json(each.state).origin is None
        for each in listeners.only("status", "state")
    )


def build_scope(
    execution: Execution, steps: Iterable[ExecutionStep], known_secrets: KnownSecrets | None = None
) -> Scope:
    """Return what references can read, with extracted values over run variables (contract, section 3)."""
    secrets = (execution.secrets or {}).get("variables", {})
    values: dict[str, Json] = {each["name"]: each["value"] for each in execution.variables}
    values.update(secrets)
    secret_names = set(secrets)
    rows = list(steps)
    for row in sorted(
        (row for row in rows if row.completed_at), key=lambda row: (row.completed_at, row.position)
    ):
        values.update(row.extracted)
        values.update(row.secret_extracts or {})
        secret_names = (secret_names - set(row.extracted)) | set(row.secret_extracts or {})
    return Scope(
        variables=values,
        secrets=frozenset(secret_names),
        steps={row.name: _view(row) for row in rows},
        execution={"id": str(execution.id), "startedAt": milliseconds(execution.started_at)},
        flow={"name": execution.flow_name, "version": execution.flow_version},
        known_secrets=known_secrets,
    )


def _view(step: ExecutionStep) -> StepView:
    is_masked = step.whole_response is not None
    return StepView(
        result=step.whole_response if is_masked else step.response,
        shown=step.response if is_masked else None,
        status=str(step.status),
        duration_ms=step.duration_ms,
        attempts=step.attempts,
        error_message=(step.error or {}).get("message"),
        truncated=bool(step.cut_paths),
        cut_paths=tuple(step.cut_paths or ()),
    )


@dataclass(frozen=True)
class Connected:
    """A step's connection and the secrets in it."""

    connection: ConnectionConfig | None = None
    secrets: tuple[str, ...] = ()
    resource_id: str | None = None


def connect(execution: Execution, resource_type: str | None, named: Any) -> Connected:
    """Return the connection that `resourceId` names.

    Raises BadConfig if the team has no such resource, StepError (`secret_unreadable`) if the key of its secrets is
    lost.
    """
    if resource_type is None or named is None:
        return Connected()
    resource = find_resource(execution.team, str(named), resource_type, execution.resource_choices)
    if resource is None:
        raise BadConfig(f"meta.resourceId: the team has no {resource_type} resource called {named}")
    try:
        return Connected(connection_of(resource), tuple(secret_values(resource)), str(resource.pk))
    except SecretsUnreadable as error:
        raise StepError(f"resource {resource.name}: {error}", code=UNREADABLE) from error
