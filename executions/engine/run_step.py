"""Runs one step: claim it, carry it on as far as it goes, write how it stands, and say where the chain goes on."""

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
from executions.engine.context import Neighbours, neighbours
from executions.engine.execute import carry_on
from executions.engine.outcomes import end, end_broken, wait_for_background
from executions.engine.progress import end_phase
from executions.engine.start_positions import record_starts
from executions.in_process.leases import leases, me
from executions.in_process.timers import timers
from executions.live import events, messages
from executions.models import Execution, ExecutionStep
from executions.starting import admission
from executions.statements.step import Change
from executions.statements.transition import StepAndExecution
from executions.states import StepStatus
from resources.secrets.encryption import UNREADABLE, SecretsUnreadable
from steprunners.base import StepError
from steprunners.lifecycle.attempts import Attempt
from telemetry import metrics
from telemetry.log_context import bound

logger = logging.getLogger(__name__)


def run_step(
    execution_id: uuid.UUID, position: int | None, *, begin: bool = False, due: float | None = None
) -> int | None:
    """Run the step at the position, if it is to be run now and nobody else has it.

    `begin` starts the execution first; `due` is when the step was, in seconds since the epoch. Returns the position at
    which the chain goes on; None where it ends: the step waits, the foreground is over, or the task was a duplicate.
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
    near = neighbours(step)
    if near.running_background():
        return wait_for_background(step, near)
    if step.always_run and near.never_ran() is not None:
        return end(step, execution, Attempt(StepStatus.SKIPPED, 0, 0), Change())
    return _carry_out(step, execution, near)


def _carry_out(step: ExecutionStep, execution: Execution, near: Neighbours) -> int | None:
    """Run the claimed step under its lease; whatever goes wrong with it, it ends."""
    with leases.holding(step) as cancellation, bound(step=step.name):
        try:
            return carry_on(step, execution, near, cancellation)
        except (DatabaseError, InterfaceError):
            raise  # nothing can be written now: the lease ends, and a sweeper takes the step back
        except SecretsUnreadable as error:
            return end_broken(step, execution, StepError(str(error), code=UNREADABLE))
        except Exception as error:
            if vanished(error, step.execution_id):
                return None
            logger.exception("step %s of execution %s failed unexpectedly", step.name, execution.id)
            unexpected = StepError("an unexpected error in the service", code="internal_error")
            return end_broken(step, execution, unexpected)


def vanished(error: Exception, execution_id: uuid.UUID) -> bool:
    """Whether the execution was deleted under its worker, by itself or with its team: nothing is left to be done."""
    if not (isinstance(error, ObjectDoesNotExist) or is_overtaken(error)):
        return False
    return not Execution.objects.filter(pk=execution_id).exists()


def _begin(execution_id: uuid.UUID, position: int | None) -> tuple[int | None, StepAndExecution | None]:
    """Start the execution; returns where its foreground begins (the chain's first link, if it had begun already).

    And the step there, where it could be claimed with the start.
    """
    begun = _turn_to_begin(execution_id)
    if begun is None and _has_turn(execution_id, position):
        begun = _turn_to_begin(execution_id)
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
    """An execution that has begun, the background steps to be published, and the first step where it is claimed."""

    execution: Execution
    background: list[int]
    first: StepAndExecution | None


def _turn_to_begin(execution_id: uuid.UUID) -> Begun | None:
    """Begin, and claim the first step in the same transaction where nothing is to be done between the two.

    What may take longer than a lease (asking brokers for positions, publishing to one that is away) is not done with
    a claimed step in hand.
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


def _has_turn(execution_id: uuid.UUID, position: int | None) -> bool:
    """Return whether an execution that did not begin got its turn now; come back when its delay is over."""
    waits = Execution.objects.filter(pk=execution_id, status="PENDING")
    execution = waits.only("team_id", "due_at", "admitted").first()
    if execution is None:
        return False
    left = (execution.due_at - timezone.now()).total_seconds() if execution.due_at else 0.0
    if left > statements.execution.CLOCK_SLACK_SECONDS:
        timers.add(left, execution_id, position or 0, begin=True)
        return False
    return not execution.admitted and admission.take_turn(execution)
