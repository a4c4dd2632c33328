"""Writes how a step stands after a sitting: ended, waiting, or waiting for a branch or a child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.db import transaction

from accounts.transactions import retried
from executions import statements
from executions.broker import chain
from executions.engine import attempt_records as records
from executions.engine.children import start_child
from executions.engine.context import Neighbours, neighbours, save_session
from executions.engine.progress import Aftermath, after_end, cursor_after, end_phase, goes_on, is_plain, skip
from executions.in_process.ended_steps import ended_steps
from executions.in_process.timers import timers
from executions.in_process.watcher import watcher
from executions.known_secrets import ExecutionSecrets
from executions.live import events, messages
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.observability import reporting as telling
from executions.presentation import LARGEST_RESPONSE
from executions.statements.step import STAY, Change, CursorMove
from executions.statements.transition import StepAndExecution
from executions.states import StepStatus
from steprunners.base import RunChild, StepError
from steprunners.documents.envelope import StepEnvelope
from steprunners.lifecycle.attempts import Answer, Attempt, Delegated, Progress, Waiting, broken
from steprunners.masking.masker import Masker


@dataclass
class Outcome:
    """A sitting of a step, and what is needed to store what came of it."""

    step: ExecutionStep
    execution: Execution
    envelope: StepEnvelope
    known_secrets: ExecutionSecrets
    earlier: list[Attempt] = field(default_factory=list)
    session_key: str | None = None

    @property
    def masker(self) -> Masker:
        """What masks everything that is secret in the execution by now."""
        return self.known_secrets.masker


# --- the end --------------------------------------------------------------------------------------


def end_attempted(outcome: Outcome, attempt: Attempt) -> int | None:
    """End the step with its last attempt; returns where the chain goes on."""
    masker = outcome.masker
    kept = records.stored(attempt, masker)
    number = outcome.step.attempts + len(outcome.earlier) + 1
    change = records.change_of(outcome.envelope, attempt, kept, number)
    shown, secret = records.extracts(outcome.envelope, attempt, masker)
    change.columns |= {"extracted": shown, "secret_extracts": secret or None}
    row = records.attempt_row(outcome.step, attempt, kept, number)
    save_session(outcome.execution, outcome.session_key, attempt.session)
    return end(
        outcome.step, outcome.execution, attempt, change, row,
        earlier=_earlier_rows(outcome, masker), continue_on_failure=outcome.envelope.continue_on_failure,
    )  # fmt: skip


def _earlier_rows(outcome: Outcome, masker: Masker) -> list[StepAttempt]:
    first = outcome.step.attempts + 1
    return [
        records.attempt_row(outcome.step, attempt, records.stored(attempt, masker), first + index)
        for index, attempt in enumerate(outcome.earlier)
    ]


def end(
    step: ExecutionStep,
    execution: Execution,
    attempt: Attempt,
    change: Change,
    row: StepAttempt | None = None,
    *,
    earlier: list[StepAttempt] | None = None,
    continue_on_failure: bool = False,
) -> int | None:
    """Write the step's end and what follows from it; returns where the chain goes on."""
    on = goes_on(step, attempt.status, continue_on_failure=continue_on_failure)
    cursor = cursor_after(step, on=on)
    if is_plain(step, on=on) and not earlier:
        return _end_plainly((step, execution), attempt.status, change, cursor, row)
    with transaction.atomic():
        StepAttempt.objects.bulk_create(earlier or [])
        moved = statements.step.end(
            step, attempt.status, change, cursor=cursor, attempt=row, execution=execution
        )
        if moved is None:
            transaction.set_rollback(True)
            return None
        if earlier and row is not None:
            records.thin_out(step, [*earlier, row])
        ended, execution = moved
        after = after_end(ended, execution, cursor, on=on)
    _tell(ended, change)
    position = after.carry_out(step.execution_id)
    return end_phase(step.execution_id) if execution.remaining == 0 else position


def end_broken(step: ExecutionStep, execution: Execution, error: StepError) -> int | None:
    """End in ERROR a step of which nothing else is to be told; returns where the chain goes on."""
    now = records.milliseconds_now()
    lost = broken(error, now, now)
    on = bool(step.definition.get("continueOnFailure"))
    return end(step, execution, lost, Change({"error": lost.error}), continue_on_failure=on)


def _end_plainly(
    claimed: StepAndExecution, status: str, change: Change, cursor: CursorMove, row: StepAttempt | None
) -> int | None:
    """End a step after which only the cursor moves, or that is in the background by itself: one statement."""
    step, execution = claimed
    moved = statements.step.end(step, status, change, cursor=cursor, attempt=row, execution=execution)
    if moved is None:
        return None
    ended, execution = moved
    _tell(ended, change)
    events.publish([messages.step_update(execution, ended, whole=_is_short(change))])
    if ended.background:
        _wake_others(ended)
    return end_phase(step.execution_id) if execution.remaining == 0 else cursor.to


def _is_short(change: Change) -> bool:
    """Whether the response is known to be short: it was written, and all that was written is."""
    return "response" in change.columns and change.length <= LARGEST_RESPONSE


def _tell(ended: ExecutionStep, change: Change) -> None:
    """Have what remembers and what counts know of the end."""
    ended_steps.keep(ended, change.length)
    telling.step_ended(ended)


# --- waits ----------------------------------------------------------------------------------------


def wait(outcome: Outcome, move: Waiting) -> int | None:
    """Park the step; this process's timer wakes it, or its watcher before."""
    attempts = [*outcome.earlier, *([move.attempt] if move.attempt else [])]
    outcome = replace(outcome, earlier=attempts)
    change, rows = _so_far(outcome)
    seconds = (move.delay_ms if move.watch is None else move.watch.patience_ms) / 1000
    moved = _park(outcome.step, seconds, change, move, rows)
    if moved is None:
        return _cancelled(outcome)
    for attempt in attempts:
        save_session(outcome.execution, outcome.session_key, attempt.session)
    _publish(moved)
    timers.add(seconds, outcome.step.execution_id, outcome.step.position)
    if move.watch is not None:
        watcher.add(move.watch, outcome.step)
    _let_others_start(outcome.step, move.progress)
    return None


def _park(
    step: ExecutionStep, seconds: float, change: Change, move: Waiting, rows: list[StepAttempt]
) -> StepAndExecution | None:
    """Park the step with its attempts: mostly one or none, for which it is a single statement."""
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
        records.thin_out(step, rows)
    return moved


def _let_others_start(step: ExecutionStep, progress: Progress) -> None:
    """Wake the steps that wait until this one, in the background, knows where it begins."""
    if step.background and progress.origin is not None and Progress.from_json(step.state).origin is None:
        _wake_others(step)


def _wake_others(step: ExecutionStep) -> None:
    """Wake the steps that wait for one in the background.

    After the commit: whoever began to wait before it is found, and whoever does after it looks once more
    (`wait_for_background`). A sweeper wakes those that a worker lost just now did not (`waker`).
    """
    for position in statements.next_steps.wake_awaiting(step.execution_id):
        chain.publish(step.execution_id, [position])


def _so_far(outcome: Outcome) -> tuple[Change, list[StepAttempt]]:
    """Return the columns and rows of the attempts of a sitting after which the step goes on."""
    if not outcome.earlier:
        return Change(), []
    masker, newest = outcome.masker, outcome.earlier[-1]
    number = outcome.step.attempts + len(outcome.earlier)
    change = records.change_of(outcome.envelope, newest, records.stored(newest, masker), number)
    return change, _earlier_rows(outcome, masker)


def _publish(moved: StepAndExecution) -> None:
    step, execution = moved
    events.publish([messages.step_update(execution, step)])


def _cancelled(outcome: Outcome) -> int | None:
    """End as CANCELLED a step that was about to wait when a cancel came (or do nothing: its lease was lost)."""
    return end(outcome.step, outcome.execution, Attempt(StepStatus.CANCELLED, 0, 0), Change())


def wait_for_background(step: ExecutionStep, near: Neighbours) -> int | None:
    """Let the step wait until the background steps that it refers to have ended."""
    moved = statements.step.park(step, None, Change(), step.state or {}, awaiting=True)
    if moved is None:
        return end(step, step.execution, Attempt(StepStatus.CANCELLED, 0, 0), Change())
    _publish(moved)
    # It may have ended between the look and the wait: then nobody else wakes this step. If somebody did, it may have
    # run meanwhile, and wait for something else.
    if neighbours(step).running_background():
        return None
    return (
        step.position if statements.next_steps.wake(step.execution_id, step.position, awaiting=True) else None
    )


def wait_for_child(step: ExecutionStep, progress: Progress) -> int | None:
    """Wait on: the step was woken, but its child has not ended."""
    moved = statements.step.park(step, None, Change(), progress.to_json())
    if moved is not None:
        _publish(moved)
    return None


# --- branches and children ------------------------------------------------------------------------


def delegate(outcome: Outcome, move: Delegated) -> Answer | int | None:
    """Start the branch or child that the step asked for.

    Returns where the chain goes on, or at once an Answer where there is nothing to run.
    """
    if isinstance(move.wish, RunChild):
        return _start_child(outcome, move, move.wish)
    branch = move.wish.index
    meta = outcome.step.definition["meta"]
    if branch is None:
        _skip_branches(outcome, None)
        failure = "no branch matched" if meta.get("terminateOnNoMatch") else None
        return Answer({"matchedBranch": None}, failure)
    flow_id = meta.get("elseFlowId") if branch == -1 else meta["branches"][branch].get("flowId")
    move = replace(move, progress=replace(move.progress, branch=branch))
    if flow_id:
        _skip_branches(outcome, None)
        return _start_child(outcome, move, RunChild(flow_id))
    return _enter_branch(outcome, move, branch)


def _skip_branches(outcome: Outcome, taken: int | None, *, release: Sequence[int] = ()) -> None:
    after = Aftermath()
    with transaction.atomic():
        skip(outcome.execution, _not_taken(outcome.step, taken), after)
        after.start = statements.next_steps.release(outcome.execution.pk, release)
    after.carry_out(outcome.execution.pk)


def _not_taken(step: ExecutionStep, taken: int | None) -> list[tuple[int, int]]:
    return [(place[0], place[1]) for index, place in (step.branches or {}).items() if index != str(taken)]


def _enter_branch(outcome: Outcome, move: Delegated, branch: int) -> Answer | int | None:
    """Go on with the branch's steps; the condition waits until the last of them has ended."""
    step = outcome.step
    place = (step.branches or {}).get(str(branch))
    if place is None or place[2] is None:
        _skip_branches(outcome, branch, release=place[3] if place else [])
        return Answer({"matchedBranch": branch})
    _, _, entry, release = place
    change = Change({"request": outcome.masker.mask(move.request)})
    # In the background the branch runs beside the foreground, which keeps its place.
    lane, cursor = ([entry], STAY) if step.background else ([], CursorMove(moves=True, to=entry))
    after = Aftermath(next_position=cursor.to)
    with transaction.atomic():
        moved = statements.step.park(step, None, change, move.progress.to_json(), cursor=cursor)
        if moved is not None:
            parked, execution = moved
            after.updates.append(messages.step_update(execution, parked))
            skip(execution, _not_taken(step, branch), after)
            after.start = statements.next_steps.release(step.execution_id, [*lane, *release])
    return _cancelled(outcome) if moved is None else after.carry_out(step.execution_id)


def _start_child(outcome: Outcome, move: Delegated, wish: RunChild) -> int | None:
    """Run a flow as a child; the step waits until it has ended."""
    change, rows = _so_far(outcome)
    change.columns["request"] = outcome.masker.mask(move.request)
    try:
        moved = _write_child(outcome, move, wish, change, rows)
    except StepError as error:
        started = move.progress.attempt_started_ms or 0
        return end_attempted(outcome, replace(broken(error, started, started), request=move.request))
    if moved is None:
        return _cancelled(outcome)
    _publish(moved)
    return None


@retried
def _write_child(
    outcome: Outcome, move: Delegated, wish: RunChild, change: Change, rows: list[StepAttempt]
) -> StepAndExecution | None:
    """Write the child and the wait for it, or neither (None)."""
    child = start_child(outcome.execution, outcome.step, wish, move.request, outcome.known_secrets)
    progress = replace(move.progress, child=str(child.id))
    moved = statements.step.park(outcome.step, None, change, progress.to_json())
    StepAttempt.objects.bulk_create(rows)
    if moved is None:
        transaction.set_rollback(True)
    return moved
