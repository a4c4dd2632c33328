"""What follows the end of a step: the next step, the end of a branch, of a phase, of the execution."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, field

from django.db import transaction

from executions import statements
from executions.broker import chain
from executions.live import events, messages
from executions.live.messages import Update
from executions.models import Execution, ExecutionStep
from executions.observability import reporting as telling
from executions.starting import admission
from executions.statements.step import STAY, CursorMove
from executions.states import StepStatus
from resources.secrets.encryption import SecretsUnreadable
from steprunners.lifecycle.attempts import Progress


@dataclass
class Aftermath:
    """What a committed move leaves to do: messages to send, chains to publish, and where this chain goes on."""

    updates: list[Update] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    next_position: int | None = None

    def carry_out(self, execution_id: uuid.UUID) -> int | None:
        """Send and publish (call it after the commit); returns where the chain goes on."""
        events.publish(self.updates)
        for position in self.start:
            chain.publish(execution_id, [position])
        return self.next_position


def goes_on(step: ExecutionStep, status: str, *, continue_on_failure: bool) -> bool:
    """Return whether the steps after this one are run."""
    if status in (StepStatus.SUCCESS, StepStatus.SKIPPED):
        return True
    return status != StepStatus.CANCELLED and (continue_on_failure or _is_clean_up(step))


def _is_clean_up(step: ExecutionStep) -> bool:
    """Return whether it is one of the clean-up steps themselves: they all run, whatever happens to the others."""
    return step.always_run and step.group is None


def cursor_after(step: ExecutionStep, *, on: bool) -> CursorMove:
    """Return where the foreground goes when the step has ended."""
    if step.background:
        return STAY
    if not on:
        return CursorMove(moves=True)
    return CursorMove(moves=True, to=step.next_position)


def is_plain(step: ExecutionStep, *, on: bool) -> bool:
    """Return whether nothing but the cursor has to change with the end of the step."""
    if _is_alone(step):
        return not step.branches
    ends_branch = step.group is not None and step.next_position is None
    return on and not (step.background or step.release or step.branches or ends_branch)


def after_end(step: ExecutionStep, execution: Execution, cursor: CursorMove, *, on: bool) -> Aftermath:
    """Do what the end of the step brings with it, in the same transaction."""
    after = Aftermath([messages.step_update(execution, step)], next_position=cursor.to)
    if step.background:
        after.start += statements.next_steps.wake_awaiting(step.execution_id)
    if step.branches:
        skip(execution, _branches_not_taken(step), after)
    if _is_alone(step):
        return after
    if on:
        after.start += statements.next_steps.release(step.execution_id, [*_next_beside(step), *step.release])
    else:
        _skip_rest(step, execution, after)
    if step.group is not None and (not on or step.next_position is None):
        condition = _end_branch(step, step.group, failed=not on)
        if not step.background:
            after.next_position = condition
        elif condition is not None:
            after.start.append(condition)
    return after


def _branches_not_taken(step: ExecutionStep) -> list[tuple[int, int]]:
    """Return where the branches are that an ended condition did not take.

    It may have ended before it took one: not wanted, or its condition could not be told. The one that it took may
    still be running: steps that are in the background themselves are not waited for.
    """
    taken = str((step.response or {}).get("matchedBranch"))
    return [(place[0], place[1]) for index, place in step.branches.items() if index != taken]


def _is_alone(step: ExecutionStep) -> bool:
    """Whether nothing follows the step: it is in the background itself, not by the condition that it is inside of.

    The inline steps of a background condition follow each other beside the foreground: each releases the next.
    """
    return bool(step.definition.get("runInBackground"))


def _next_beside(step: ExecutionStep) -> list[int]:
    return [step.next_position] if step.background and step.next_position is not None else []


def _skip_rest(step: ExecutionStep, execution: Execution, after: Aftermath) -> None:
    """Skip what has not started: the rest of the branch, or of the flow.

    A condition's own steps are not among them: one in the background may still run its branch.
    """
    last = 2**31 - 1
    if step.group is not None:
        condition = ExecutionStep.objects.get(execution_id=step.execution_id, position=step.group)
        last = condition.branches[str(step.branch)][1]
    skip(execution, [(step.end_position + 1, last)], after, clean_up=step.always_run)


def skip(
    execution: Execution, ranges: list[tuple[int, int]], after: Aftermath, *, clean_up: bool | None = None
) -> None:
    """Skip the unstarted steps in the ranges and add their updates."""
    skipped = statements.next_steps.skip(
        execution.id, [each for each in ranges if each[0] <= each[1]], clean_up=clean_up
    )
    if skipped is not None:
        steps, counted = skipped
        after.updates += numbered(counted, steps)
        execution.remaining = counted.remaining
        execution.sequence = counted.sequence


def numbered(execution: Execution, steps: list[ExecutionStep]) -> list[Update]:
    """Count the steps that were ended together; return one update each, numbered up to the execution's sequence."""
    for step in steps:
        telling.step_ended(step)
    first = execution.sequence - len(steps) + 1
    return [messages.step_update(execution, step, sequence=first + index) for index, step in enumerate(steps)]


def _end_branch(step: ExecutionStep, group: int, *, failed: bool) -> int | None:
    """Wake the condition whose branch has ended; returns its position."""
    condition = ExecutionStep.objects.get(execution_id=step.execution_id, position=group)
    # A condition whose state cannot be read any more finds that out itself, and ends.
    with suppress(SecretsUnreadable):
        progress = Progress.from_json(condition.state)
        progress.branch_failed = step.name if failed else None
        waiting = ExecutionStep.objects.filter(pk=condition.pk, status=StepStatus.WAITING)
        waiting.update(state=progress.to_json())
    return condition.position if statements.next_steps.wake(step.execution_id, condition.position) else None


# --- the end of a phase ---------------------------------------------------------------------------


def end_phase(execution_id: uuid.UUID) -> int | None:
    """Once no step of the phase is open, end the execution or go over to clean-up; returns where to go on."""
    if _complete(execution_id):
        return None
    execution = statements.execution.start_clean_up(execution_id)
    if execution is not None and execution.remaining:
        if execution.cancel_requests >= 2:
            return settle_cancel(execution_id)
        return execution.cursor
    _complete(execution_id)
    return None


def _complete(execution_id: uuid.UUID) -> bool:
    """End the execution; False where a step is open, clean-up has not begun, or somebody else has ended it."""
    completed = statements.execution.complete(execution_id)
    if completed is not None:
        events.publish([messages.execution_update(completed)])
        tell_parent(completed)
    return completed is not None


def tell_parent(execution: Execution) -> None:
    """Count the end; wake the step that waits for this execution, or give its turn to the next of its organisation."""
    telling.execution_ended(execution)
    admission.after_end(execution)
    if execution.parent_id is None or execution.parent_position is None:
        return
    parent = Execution.objects.only("id", "cancel_requested_at").filter(pk=execution.parent_id).first()
    if parent is None:
        return  # it was deleted meanwhile
    if parent.cancel_requested_at is not None:
        follow(parent.id, settle_cancel(parent.id))
    elif statements.next_steps.wake(parent.id, execution.parent_position):
        chain.publish(parent.id, [execution.parent_position])


def follow(execution_id: uuid.UUID, position: int | None) -> None:
    """Publish the chain that goes on at the position, if there is one."""
    if position is not None:
        chain.publish_from(execution_id, position)


# --- cancel ---------------------------------------------------------------------------------------


def settle_cancel(execution_id: uuid.UUID) -> int | None:
    """Cancel what has not started or only waits; running calls are ended by their workers. Safe to repeat.

    Returns where the chain goes on (clean-up).
    """
    with transaction.atomic():
        statements.execution.lock(execution_id)
        execution = Execution.objects.only("id", "status", "cancel_requests").filter(pk=execution_id).first()
        if execution is None:
            return None  # it was deleted meanwhile
        clean_up_too = execution.cancel_requests >= 2 or execution.status == "PENDING"
        cancelled, execution = statements.cancel.cancel_open_steps(execution_id, clean_up_too=clean_up_too)
        ended = statements.cancel.end_unstarted(execution_id)
    updates = numbered(execution, cancelled)
    if ended is not None:
        events.publish([*updates, messages.execution_update(ended)])
        tell_parent(ended)
        return None
    events.publish(updates)
    return end_phase(execution_id) if execution.remaining == 0 else None
