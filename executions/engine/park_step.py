"""Parks a step: it waits for a time, a message, a background step, or a child, and holds no worker meanwhile."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from executions import statements
from executions.engine import attempt_records
from executions.engine.context import load_referenced_steps
from executions.engine.finish_step import finish_unattempted
from executions.engine.outcome import Outcome
from executions.engine.progress import wake_waiting_steps
from executions.live import events, messages
from executions.models import ExecutionStep, StepAttempt
from executions.runtime.timers import timers
from executions.runtime.watcher import watcher
from executions.statements.step import Change
from executions.statements.transition import StepAndExecution
from executions.states import StepStatus
from steprunners.lifecycle.attempts import Progress, Waiting


def park(outcome: Outcome, move: Waiting) -> int | None:
    """Park the step for a time: this process's timer wakes it, or its watcher before that."""
    attempts = [*outcome.earlier, *([move.attempt] if move.attempt else [])]
    outcome = replace(outcome, earlier=attempts)
    change, rows = outcome.unfinished()
    seconds = (move.delay_ms if move.watch is None else move.watch.patience_ms) / 1000
    moved = _store(outcome.step, seconds, change, move, rows)
    if moved is None:
        return finish_cancelled(outcome)
    publish_update(moved)
    timers.add(seconds, outcome.step.execution_id, outcome.step.position)
    if move.watch is not None:
        watcher.add(move.watch, outcome.step)
    _let_others_start(outcome.step, move.progress)
    return None


def _store(
    step: ExecutionStep, seconds: float, change: Change, move: Waiting, rows: list[StepAttempt]
) -> StepAndExecution | None:
    """Store the wait with its attempts. Mostly there is one or none, for which a single statement is enough."""
    state, watched = move.progress.to_json(), move.watch is not None
    if len(rows) <= 1:
        moved = statements.step.park(
            step, seconds, change, state, watched=watched, attempt=rows[0] if rows else None
        )
    else:
        with transaction.atomic():
            moved = statements.step.park(step, seconds, change, state, watched=watched)
            StepAttempt.objects.bulk_create(rows if moved else [])
    if moved is not None:
        attempt_records.thin_out(step, rows)
    return moved


def _let_others_start(step: ExecutionStep, progress: Progress) -> None:
    """Wake the steps that wait until this background step knows where it begins to read."""
    if step.background and progress.origin is not None and Progress.from_json(step.state).origin is None:
        wake_waiting_steps(step)


def finish_cancelled(outcome: Outcome) -> int | None:
    """Finish as CANCELLED a step that was to be parked when a cancel came; does nothing where its lease was lost."""
    return finish_unattempted(outcome.step, outcome.execution, StepStatus.CANCELLED)


def publish_update(moved: StepAndExecution) -> None:
    """Publish the parked step to those who watch the execution."""
    step, execution = moved
    events.publish([messages.step_update(execution, step)])


def park_for_background(step: ExecutionStep) -> int | None:
    """Park the step until the background steps that it refers to have ended."""
    moved = statements.step.park(step, None, Change(), step.state or {}, awaiting=True)
    if moved is None:
        return finish_unattempted(step, step.execution, StepStatus.CANCELLED)
    publish_update(moved)
    # The background step may have ended after it was read and before this one was parked: then nobody else wakes this
    # step. If somebody did, it may have run meanwhile and wait for something else.
    if load_referenced_steps(step).running_background():
        return None
    return (
        step.position if statements.next_steps.wake(step.execution_id, step.position, awaiting=True) else None
    )


def park_for_child(step: ExecutionStep, progress: Progress) -> int | None:
    """Park the step again: it was woken, but its child has not ended."""
    moved = statements.step.park(step, None, Change(), progress.to_json())
    if moved is not None:
        publish_update(moved)
    return None
