"""Runs one step: claims it, runs its attempts, stores what came of them, and returns the next step."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from accounts.transactions import is_overtaken
from executions import statements
from executions.broker import chain
from executions.engine.attempts import run_attempts
from executions.engine.context import ReferencedSteps, load_referenced_steps
from executions.engine.finish_step import finish_unattempted, finish_with_error
from executions.engine.park_step import park_for_background
from executions.engine.progress import end_phase
from executions.engine.start_positions import record_starts
from executions.live import events, messages
from executions.models import Execution, ExecutionStep
from executions.runtime.leases import leases, me
from executions.runtime.timers import timers
from executions.starting import admission
from executions.statements.transition import StepAndExecution
from executions.states import StepStatus
from resources.secrets.encryption import UNREADABLE, SecretsUnreadable
from steprunners.errors import StepError
from telemetry import metrics
from telemetry.log_context import bound

logger = logging.getLogger(__name__)


def run_step(
    execution_id: uuid.UUID, position: int | None, *, begin: bool = False, due: float | None = None
) -> int | None:
    """Run the step at the position, if it may run now and no other worker has claimed it.

    `begin` starts the execution first. `due` is when the step was due, in seconds since the epoch. Returns the position
    of the next step; None where the step waits, the foreground is over, or the task was a duplicate.
    """
    moved = None
    if begin:
        position, moved = _begin(execution_id, position)
    if position is None:
        return None
    moved = moved or statements.step.claim(execution_id, position, me())
    if moved is None:
        return None
    step, execution = moved
    if due is not None:
        metrics.step_claimed(time.time() - due)
    events.publish([messages.step_update(execution, step)])
    referenced = load_referenced_steps(step)
    if referenced.running_background():
        return park_for_background(step)
    if step.always_run and referenced.never_ran() is not None:
        return finish_unattempted(step, execution, StepStatus.SKIPPED)
    return _run_claimed(step, execution, referenced)


def _run_claimed(step: ExecutionStep, execution: Execution, referenced: ReferencedSteps) -> int | None:
    """Run the claimed step under its lease. Whatever exception it raises, the step ends."""
    with leases.holding(step) as cancellation, bound(step=step.name):
        try:
            return run_attempts(step, execution, referenced, cancellation)
        except (DatabaseError, InterfaceError):
            raise  # nothing can be stored now: the lease expires, and a sweeper takes the step back
        except SecretsUnreadable as error:
            return finish_with_error(step, execution, StepError(str(error), code=UNREADABLE))
        except Exception as error:
            if is_deleted(error, step.execution_id):
                return None
            logger.exception("step %s of execution %s failed unexpectedly", step.name, execution.id)
            unexpected = StepError("an unexpected error in the service", code="internal_error")
            return finish_with_error(step, execution, unexpected)


def is_deleted(error: Exception, execution_id: uuid.UUID) -> bool:
    """Return whether the error came because the execution was deleted while it ran: nothing is left to be done."""
    if not (isinstance(error, ObjectDoesNotExist) or is_overtaken(error)):
        return False
    return not Execution.objects.filter(pk=execution_id).exists()


def _begin(execution_id: uuid.UUID, position: int | None) -> tuple[int | None, StepAndExecution | None]:
    """Start the execution; returns the position of its first step, and that step where it was claimed as well.

    Where the execution had begun already, this is the position of the task.
    """
    begun = _begin_and_claim(execution_id)
    if begun is None and _is_admitted_now(execution_id, position):
        begun = _begin_and_claim(execution_id)
    if begun is None:
        return position, None
    execution = begun.execution
    events.publish([messages.execution_update(execution)])
    record_starts(execution)
    for each in begun.background:
        chain.publish(execution_id, [each])
    if execution.remaining == 0:
        return end_phase(execution_id), None
    return execution.cursor, begun.first


@dataclass(frozen=True)
class Begun:
    """An execution that has begun, the background steps to publish, and the first step where it is claimed."""

    execution: Execution
    background: list[int]
    first: StepAndExecution | None


def _begin_and_claim(execution_id: uuid.UUID) -> Begun | None:
    """Begin, and claim the first step in the same transaction where nothing has to happen between the two.

    What may take longer than a lease (asking brokers for positions, publishing to a broker that is away) must not
    happen while a step is claimed.
    """
    with transaction.atomic():
        execution = statements.execution.begin(execution_id)
        if execution is None:
            return None
        background = statements.next_steps.release(execution_id, execution.release)
        if background or execution.positions.get("pending") or execution.cursor is None:
            return Begun(execution, background, None)
        first = statements.step.claim(execution_id, execution.cursor, me())
        return Begun(execution, background, first)


def _is_admitted_now(execution_id: uuid.UUID, position: int | None) -> bool:
    """Return whether an execution that could not begin has been admitted now; set a timer for a delayed one."""
    waits = Execution.objects.filter(pk=execution_id, status="PENDING")
    execution = waits.only("team_id", "due_at", "admitted").first()
    if execution is None:
        return False
    left = (execution.due_at - timezone.now()).total_seconds() if execution.due_at else 0.0
    if left > statements.execution.CLOCK_SLACK_SECONDS:
        timers.add(left, execution_id, position or 0, begin=True)
        return False
    return not execution.admitted and admission.admit_now(execution)
