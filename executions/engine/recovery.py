"""Takes back a step whose worker was lost: it runs again where that does no harm, or its retry policy allows it.

Any other is ERROR: whether its call happened is unknown.
"""

from __future__ import annotations

from executions import statements
from executions.broker.chain import publish_from
from executions.engine import attempt_records as records
from executions.engine.outcomes import Outcome, end_attempted, end_broken
from executions.engine.progress import follow
from executions.known_secrets import ExecutionSecrets
from executions.models import Execution, ExecutionStep
from executions.statements.database.step_definitions import envelope_of
from executions.statements.step import Change
from executions.states import StepStatus
from resources.secrets.encryption import UNREADABLE, SecretsUnreadable
from steprunners.base import Interrupted, StepError
from steprunners.documents.envelope import StepEnvelope
from steprunners.lifecycle.attempts import Attempt, Progress, broken
from steprunners.registry import runners
from telemetry import metrics

#: A step that loses its worker this often ends, instead of taking one worker after the other down.
MOST_LOSSES = 3


def take_back(step: ExecutionStep) -> None:
    """End the attempt of a step that was taken from its worker, and the step itself unless it may try again."""
    execution = Execution.objects.defer("draft").filter(pk=step.execution_id).first()
    if execution is None:
        return  # it was deleted meanwhile
    try:
        _end_or_try_again(step, execution)
    except SecretsUnreadable as error:
        follow(execution.id, end_broken(step, execution, StepError(str(error), code=UNREADABLE)))


def _end_or_try_again(step: ExecutionStep, execution: Execution) -> None:
    metrics.sweeper_did("take_back")
    envelope = envelope_of(step.definition)
    progress = Progress.from_json(step.state)
    now = records.milliseconds_now()
    lost = Interrupted("the worker was lost while the step ran: whether its call happened is unknown")
    attempt = broken(lost, progress.attempt_started_ms or now, now)
    outcome = Outcome(step, execution, envelope, ExecutionSecrets(execution))
    if execution.cancel_requests >= (2 if step.always_run else 1):  # the second one ends clean-up too
        follow(execution.id, end_attempted(outcome, Attempt(StepStatus.CANCELLED, now, now)))
    elif _is_harmless(step, progress):
        _repeat(step)
    elif _may_try_again(step, envelope, progress):
        _try_again(outcome, attempt, progress)
    else:
        follow(execution.id, end_attempted(outcome, attempt))


def _is_harmless(step: ExecutionStep, progress: Progress) -> bool:
    """Whether the step can be carried on from its last wait as if nothing had been.

    A condition whose branches were touched may have chosen: chosen again, `${now()}` could lead elsewhere.
    """
    if step.losses >= MOST_LOSSES or not runners()[step.step_type].repeatable:
        return False
    inner = ExecutionStep.objects.filter(
        execution_id=step.execution_id, position__gt=step.position, position__lte=step.end_position
    )
    return progress.branch is not None or not inner.exclude(status=StepStatus.PENDING).exists()


def _repeat(step: ExecutionStep) -> None:
    """Park the step as due at once, with what it remembered of its last wait."""
    if statements.step.park(step, 0, Change(), step.state or {}) is not None:
        publish_from(step.execution_id, step.position)


def _may_try_again(step: ExecutionStep, envelope: StepEnvelope, progress: Progress) -> bool:
    policy = envelope.retry
    if policy is None or "ERROR" not in policy.retry_on or step.losses >= MOST_LOSSES:
        return False
    return progress.retries < policy.max_retries


def _try_again(outcome: Outcome, attempt: Attempt, progress: Progress) -> None:
    """Park the step as due at once, with the lost attempt counted and kept."""
    step = outcome.step
    progress.retries += 1
    progress.attempt_started_ms = None
    progress.park = None
    kept = records.stored(attempt, outcome.masker)
    number = step.attempts + 1
    row = records.attempt_row(step, attempt, kept, number)
    if (
        statements.step.park(step, 0, Change({"attempts": number}), progress.to_json(), attempt=row)
        is not None
    ):
        publish_from(step.execution_id, step.position)
