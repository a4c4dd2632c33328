"""Starts the branch or the child execution that a step asks for; the step waits until that has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from accounts.transactions import retried
from executions import statements
from executions.engine.children import start_child
from executions.engine.finish_step import finish_attempted
from executions.engine.outcome import Outcome
from executions.engine.park_step import finish_cancelled, publish_update
from executions.engine.progress import AfterCommit, skip_steps
from executions.live import messages
from executions.models import ExecutionStep, StepAttempt
from executions.statements.step import STAY, Change, CursorMove
from executions.statements.transition import StepAndExecution
from steprunners.errors import StepError
from steprunners.lifecycle.attempts import Answer, Delegated, broken
from steprunners.runner import RunChild


def delegate(outcome: Outcome, move: Delegated) -> Answer | int | None:
    """Start the branch or child that the step asks for.

    Returns the position of the next step, or an Answer where there is nothing to run.
    """
    if isinstance(move.wish, RunChild):
        return _start_child(outcome, move, move.wish)
    branch, child = move.wish.index, move.wish.child
    if branch is None:
        _skip_branches(outcome, None)
        return Answer({"matchedBranch": None}, move.wish.failure)
    move = replace(move, progress=replace(move.progress, branch=branch))
    if child is not None:
        _skip_branches(outcome, None)
        return _start_child(outcome, move, child)
    return _enter_branch(outcome, move, branch)


# --- branches -------------------------------------------------------------------------------------


def _skip_branches(outcome: Outcome, taken: int | None, *, release: Sequence[int] = ()) -> None:
    after = AfterCommit()
    with transaction.atomic():
        skip_steps(outcome.execution, _not_taken(outcome.step, taken), after)
        after.start = statements.next_steps.release(outcome.execution.pk, release)
    after.carry_out(outcome.execution.pk)


def _not_taken(step: ExecutionStep, taken: int | None) -> list[tuple[int, int]]:
    """Return the position ranges of the branches that are not taken."""
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
    # A background condition runs its branch beside the foreground, which keeps its place.
    beside, cursor = ([entry], STAY) if step.background else ([], CursorMove(moves=True, to=entry))
    after = AfterCommit(next_position=cursor.to)
    with transaction.atomic():
        moved = statements.step.park(step, None, change, move.progress.to_json(), cursor=cursor)
        if moved is not None:
            parked, execution = moved
            after.updates.append(messages.step_update(execution, parked))
            skip_steps(execution, _not_taken(step, branch), after)
            after.start = statements.next_steps.release(step.execution_id, [*beside, *release])
    return finish_cancelled(outcome) if moved is None else after.carry_out(step.execution_id)


# --- children -------------------------------------------------------------------------------------


def _start_child(outcome: Outcome, move: Delegated, wish: RunChild) -> int | None:
    """Run a flow as a child execution; the step waits until it has ended."""
    change, rows = outcome.unfinished()
    change.columns["request"] = outcome.masker.mask(move.request)
    try:
        moved = _write_child(outcome, move, wish, change, rows)
    except StepError as error:
        started = move.progress.attempt_started_ms or 0
        return finish_attempted(outcome, replace(broken(error, started, started), request=move.request))
    if moved is None:
        return finish_cancelled(outcome)
    publish_update(moved)
    return None


@retried
def _write_child(
    outcome: Outcome, move: Delegated, wish: RunChild, change: Change, rows: list[StepAttempt]
) -> StepAndExecution | None:
    """Write the child and the wait for it in one transaction; None where neither could be written."""
    child = start_child(outcome.execution, outcome.step, wish, move.request, outcome.known_secrets)
    progress = replace(move.progress, child=str(child.id))
    moved = statements.step.park(outcome.step, None, change, progress.to_json())
    StepAttempt.objects.bulk_create(rows)
    if moved is None:
        transaction.set_rollback(True)
    return moved
