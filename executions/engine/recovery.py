"""Recovers a step whose worker was lost: it runs again where that does no harm, or where its retry policy allows it.

Any other step ends in ERROR: nobody knows whether its call happened.
"""

from __future__ import annotations

from executions import statements
from executions.broker.chain import publish_from
from executions.engine import attempt_records
from executions.engine.finish_step import finish_attempted, finish_with_error
from executions.engine.outcome import Outcome
from executions.engine.progress import publish_next
from executions.known_secrets import ExecutionSecrets
from executions.models import Execution, ExecutionStep
from executions.statements.database.step_definitions import envelope_of
from executions.statements.step import Change
from executions.states import StepStatus
from resources.secrets.encryption import UNREADABLE, SecretsUnreadable
from steprunners.documents.envelope import StepEnvelope
from steprunners.errors import Interrupted, StepError
from steprunners.lifecycle.attempts import Attempt, Progress, broken
from steprunners.registry import runners
from telemetry import metrics

#: A step that lost its worker this often ends: it may be what takes one worker after the other down.
MOST_LOSSES = 3


def recover_step(step: ExecutionStep) -> None:
    """End the interrupted attempt of a step that was taken from its worker; end the step unless it may run again."""
    execution = Execution.objects.defer("draft").filter(pk=step.execution_id).first()
    if execution is None:
        return  # it was deleted meanwhile
    try:
        _end_or_run_again(step, execution)
    except SecretsUnreadable as error:
        publish_next(execution.id, finish_with_error(step, execution, StepError(str(error), code=UNREADABLE)))


def _end_or_run_again(step: ExecutionStep, execution: Execution) -> None:
    metrics.sweeper_did("take_back")
    envelope = envelope_of(step.definition)
    progress = Progress.from_json(step.state)
    now = attempt_records.milliseconds_now()
    lost = Interrupted("the worker was lost while the step ran; it is unknown whether its call happened")
    attempt = broken(lost, progress.attempt_started_ms or now, now)
    outcome = Outcome(step, execution, envelope, ExecutionSecrets(execution))
    if execution.cancel_requests >= (2 if step.always_run else 1):  # the second one ends clean-up too
        publish_next(execution.id, finish_attempted(outcome, Attempt(StepStatus.CANCELLED, now, now)))
    elif _is_harmless(step, progress):
        _run_again(step)
    elif _may_retry(step, envelope, progress):
        _retry(outcome, attempt, progress)
    else:
        publish_next(execution.id, finish_attempted(outcome, attempt))


def _is_harmless(step: ExecutionStep, progress: Progress) -> bool:
    """Return whether the step can go on from its last wait as if nothing had happened.

    A condition may have chosen its branch already, if steps of one have moved. Evaluated again, `${now()}` could choose
    another.
    """
    if step.losses >= MOST_LOSSES or not runners()[step.step_type].repeatable:
        return False
    inner = ExecutionStep.objects.filter(
        execution_id=step.execution_id, position__gt=step.position, position__lte=step.end_position
    )
    return progress.branch is not None or not inner.exclude(status=StepStatus.PENDING).exists()


def _run_again(step: ExecutionStep) -> None:
    """Park the step as due at once, with the state of its last wait."""
    if statements.step.park(step, 0, Change(), step.state or {}) is not None:
        publish_from(step.execution_id, step.position)


def _may_retry(step: ExecutionStep, envelope: StepEnvelope, progress: Progress) -> bool:
    policy = envelope.retry
    if policy is None or "ERROR" not in policy.retry_on or step.losses >= MOST_LOSSES:
        return False
    return progress.retries < policy.max_retries


def _retry(outcome: Outcome, attempt: Attempt, progress: Progress) -> None:
    """Park the step as due at once, with the lost attempt counted and kept."""
    step = outcome.step
    progress.retries += 1
    progress.attempt_started_ms = None
    progress.park = None
    kept = attempt_records.stored(attempt, outcome.masker)
    number = step.attempts + 1
    row = attempt_records.attempt_row(step, attempt, kept, number)
    if (
        statements.step.park(step, 0, Change({"attempts": number}), progress.to_json(), attempt=row)
        is not None
    ):
        publish_from(step.execution_id, step.position)
