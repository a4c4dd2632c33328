"""Finishes a step: stores its terminal status and its last attempt, and does what follows from that."""

from __future__ import annotations

from django.db import transaction

from executions import statements
from executions.engine import attempt_records
from executions.engine.outcome import Outcome
from executions.engine.progress import (
    after_step,
    continues_after,
    cursor_after,
    end_phase,
    moves_only_the_cursor,
    wake_waiting_steps,
)
from executions.live import events, messages
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.observability import instrumentation
from executions.presentation import LARGEST_RESPONSE
from executions.runtime.ended_steps import ended_steps
from executions.statements.step import Change, CursorMove
from executions.statements.transition import StepAndExecution
from executions.states import StepStatus
from steprunners.errors import StepError
from steprunners.lifecycle.attempts import Attempt, broken


def finish_attempted(outcome: Outcome, attempt: Attempt) -> int | None:
    """Finish the step with its last attempt; returns the position of the next step."""
    masker = outcome.masker
    kept = attempt_records.stored(attempt, masker)
    number = outcome.step.attempts + len(outcome.earlier) + 1
    change = attempt_records.change_of(kept, number)
    shown, secret = attempt_records.extracts(outcome.envelope, attempt, masker)
    change.columns |= {"extracted": shown, "secret_extracts": secret or None}
    row = attempt_records.attempt_row(outcome.step, attempt, kept, number)
    return finish(
        outcome.step, outcome.execution, attempt, change, row,
        earlier=outcome.earlier_rows(), continue_on_failure=outcome.envelope.continue_on_failure,
    )  # fmt: skip


def finish_with_error(step: ExecutionStep, execution: Execution, error: StepError) -> int | None:
    """Finish the step in ERROR, with nothing stored but the error; returns the position of the next step."""
    now = attempt_records.milliseconds_now()
    attempt = broken(error, now, now)
    goes_on = bool(step.definition.get("continueOnFailure"))
    return finish(step, execution, attempt, Change({"error": attempt.error}), continue_on_failure=goes_on)


def finish_unattempted(step: ExecutionStep, execution: Execution, status: StepStatus) -> int | None:
    """Finish the step as SKIPPED or CANCELLED, without an attempt; returns the position of the next step."""
    return finish(step, execution, Attempt(status, 0, 0), Change())


def finish(
    step: ExecutionStep,
    execution: Execution,
    attempt: Attempt,
    change: Change,
    row: StepAttempt | None = None,
    *,
    earlier: list[StepAttempt] | None = None,
    continue_on_failure: bool = False,
) -> int | None:
    """Store the step's terminal status and do what follows from it; returns the position of the next step.

    Does nothing and returns None where the step's lease was lost meanwhile.
    """
    on = continues_after(step, attempt.status, continue_on_failure=continue_on_failure)
    cursor = cursor_after(step, on=on)
    if moves_only_the_cursor(step, on=on) and not earlier:
        return _finish_in_one_statement((step, execution), attempt.status, change, cursor, row)
    with transaction.atomic():
        StepAttempt.objects.bulk_create(earlier or [])
        moved = statements.step.end(
            step, attempt.status, change, cursor=cursor, attempt=row, execution=execution
        )
        if moved is None:
            transaction.set_rollback(True)
            return None
        if earlier and row is not None:
            attempt_records.thin_out(step, [*earlier, row])
        ended, execution = moved
        after = after_step(ended, execution, cursor, on=on)
    _remember_and_count(ended, change)
    position = after.carry_out(step.execution_id)
    return end_phase(step.execution_id) if execution.remaining == 0 else position


def _finish_in_one_statement(
    claimed: StepAndExecution, status: str, change: Change, cursor: CursorMove, row: StepAttempt | None
) -> int | None:
    """Finish a step after which only the cursor moves, or which is in the background by itself."""
    step, execution = claimed
    moved = statements.step.end(step, status, change, cursor=cursor, attempt=row, execution=execution)
    if moved is None:
        return None
    ended, execution = moved
    _remember_and_count(ended, change)
    events.publish([messages.step_update(execution, ended, whole=_is_short(change))])
    if ended.background:
        wake_waiting_steps(ended)
    return end_phase(step.execution_id) if execution.remaining == 0 else cursor.to


def _is_short(change: Change) -> bool:
    """Return whether the response is known to be short: it is part of the change, and the change is short."""
    return "response" in change.columns and change.length <= LARGEST_RESPONSE


def _remember_and_count(ended: ExecutionStep, change: Change) -> None:
    """Keep the step for those that refer to it, and count it in metrics and traces."""
    ended_steps.keep(ended, change.length)
    instrumentation.step_ended(ended)
