"""What follows when a step has ended: the next step, the end of a branch, of a phase, of the execution."""

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
from executions.observability import instrumentation
from executions.starting import admission
from executions.statements.step import STAY, CursorMove
from executions.states import StepStatus
from resources.secrets.encryption import SecretsUnreadable
from steprunners.lifecycle.attempts import Progress


@dataclass
class AfterCommit:
    """What is to be done once a change is committed: updates to publish, steps to start, and the next step."""

    updates: list[Update] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    next_position: int | None = None

    def carry_out(self, execution_id: uuid.UUID) -> int | None:
        """Publish updates and tasks. Call it after the commit. Returns the position of the next step."""
        events.publish(self.updates)
        for position in self.start:
            chain.publish(execution_id, [position])
        return self.next_position


def continues_after(step: ExecutionStep, status: str, *, continue_on_failure: bool) -> bool:
    """Return whether the steps after this one run, now that it has ended with the status."""
    if status in (StepStatus.SUCCESS, StepStatus.SKIPPED):
        return True
    return status != StepStatus.CANCELLED and (continue_on_failure or _is_clean_up(step))


def _is_clean_up(step: ExecutionStep) -> bool:
    """Return whether it is a clean-up step by itself: these all run, whatever happens to the others."""
    return step.always_run and step.group is None


def cursor_after(step: ExecutionStep, *, on: bool) -> CursorMove:
    """Return where the foreground goes when the step has ended."""
    if step.background:
        return STAY
    if not on:
        return CursorMove(moves=True)
    return CursorMove(moves=True, to=step.next_position)


def moves_only_the_cursor(step: ExecutionStep, *, on: bool) -> bool:
    """Return whether the end of the step changes no other row but the execution's cursor."""
    if _nothing_follows(step):
        return not step.branches
    ends_branch = step.group is not None and step.next_position is None
    return on and not (step.background or step.release or step.branches or ends_branch)


def after_step(step: ExecutionStep, execution: Execution, cursor: CursorMove, *, on: bool) -> AfterCommit:
    """Write what follows from the end of the step, in the same transaction; returns what follows after the commit."""
    after = AfterCommit([messages.step_update(execution, step)], next_position=cursor.to)
    if step.background:
        after.start += statements.next_steps.wake_awaiting(step.execution_id)
    if step.branches:
        skip_steps(execution, _branches_not_taken(step), after)
    if _nothing_follows(step):
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
    """Return the position ranges of the branches that an ended condition did not take.

    It may have ended before it took one: it was skipped, or its condition could not be evaluated. The branch that it
    took may still run: nobody waits for steps that are in the background themselves.
    """
    taken = str((step.response or {}).get("matchedBranch"))
    return [(place[0], place[1]) for index, place in step.branches.items() if index != taken]


def _nothing_follows(step: ExecutionStep) -> bool:
    """Return whether no step follows: it is in the background itself, not just inside a background condition.

    The inline steps of a background condition follow each other beside the foreground: each releases the next.
    """
    return bool(step.definition.get("runInBackground"))


def _next_beside(step: ExecutionStep) -> list[int]:
    return [step.next_position] if step.background and step.next_position is not None else []


def _skip_rest(step: ExecutionStep, execution: Execution, after: AfterCommit) -> None:
    """Skip the steps that have not started: the rest of the branch, or of the flow.

    The inline steps of a condition are not among them: one in the background may still run its branch.
    """
    last = 2**31 - 1
    if step.group is not None:
        condition = ExecutionStep.objects.get(execution_id=step.execution_id, position=step.group)
        last = condition.branches[str(step.branch)][1]
    skip_steps(execution, [(step.end_position + 1, last)], after, clean_up=step.always_run)


def skip_steps(
    execution: Execution, ranges: list[tuple[int, int]], after: AfterCommit, *, clean_up: bool | None = None
) -> None:
    """Skip the steps in the position ranges that have not started, and add their updates to `after`."""
    skipped = statements.next_steps.skip(
        execution.id, [each for each in ranges if each[0] <= each[1]], clean_up=clean_up
    )
    if skipped is not None:
        steps, counted = skipped
        after.updates += _updates_of(counted, steps)
        execution.remaining = counted.remaining
        execution.sequence = counted.sequence


def _updates_of(execution: Execution, steps: list[ExecutionStep]) -> list[Update]:
    """Count the steps that ended together; return one update each, numbered up to the execution's sequence."""
    for step in steps:
        instrumentation.step_ended(step)
    first = execution.sequence - len(steps) + 1
    return [messages.step_update(execution, step, sequence=first + index) for index, step in enumerate(steps)]


def _end_branch(step: ExecutionStep, group: int, *, failed: bool) -> int | None:
    """Wake the condition whose branch has ended; returns its position, None where it does not wait."""
    condition = ExecutionStep.objects.get(execution_id=step.execution_id, position=group)
    # A condition whose state can no longer be decrypted finds that out itself, and ends.
    with suppress(SecretsUnreadable):
        progress = Progress.from_json(condition.state)
        progress.branch_failed = step.name if failed else None
        waiting = ExecutionStep.objects.filter(pk=condition.pk, status=StepStatus.WAITING)
        waiting.update(state=progress.to_json())
    return condition.position if statements.next_steps.wake(step.execution_id, condition.position) else None


def wake_waiting_steps(step: ExecutionStep) -> None:
    """Wake the steps that wait for this background step. Call it after the commit.

    Then a step that began to wait before the commit is found, and one that begins after it looks once more
    (`park_for_background`). Where a worker is lost in between, the sweeper wakes them.
    """
    for position in statements.next_steps.wake_awaiting(step.execution_id):
        chain.publish(step.execution_id, [position])


# --- the end of a phase ---------------------------------------------------------------------------


def end_phase(execution_id: uuid.UUID) -> int | None:
    """End the execution or begin its clean-up, once no step of the phase is open.

    Returns the position of the first clean-up step to run.
    """
    if _complete(execution_id):
        return None
    execution = statements.execution.start_clean_up(execution_id)
    if execution is not None and execution.remaining:
        if execution.cancel_requests >= 2:
            return cancel_open_steps(execution_id)
        return execution.cursor
    _complete(execution_id)
    return None


def _complete(execution_id: uuid.UUID) -> bool:
    """End the execution; False where a step is open, clean-up has not begun, or another worker has ended it."""
    completed = statements.execution.complete(execution_id)
    if completed is not None:
        events.publish([messages.execution_update(completed)])
        after_execution(completed)
    return completed is not None


def after_execution(execution: Execution) -> None:
    """Do what follows from the end of an execution.

    Count it. Let a waiting execution of the organisation begin in its place. Wake the step that waits for a child.
    """
    instrumentation.execution_ended(execution)
    admission.after_end(execution)
    if execution.parent_id is None or execution.parent_position is None:
        return
    parent = Execution.objects.only("id", "cancel_requested_at").filter(pk=execution.parent_id).first()
    if parent is None:
        return  # it was deleted meanwhile
    if parent.cancel_requested_at is not None:
        publish_next(parent.id, cancel_open_steps(parent.id))
    elif statements.next_steps.wake(parent.id, execution.parent_position):
        chain.publish(parent.id, [execution.parent_position])


def publish_next(execution_id: uuid.UUID, position: int | None) -> None:
    """Publish the chain that begins at the position, if there is a next step."""
    if position is not None:
        chain.publish_from(execution_id, position)


# --- cancel ---------------------------------------------------------------------------------------


def cancel_open_steps(execution_id: uuid.UUID) -> int | None:
    """Cancel the steps that have not started or only wait. Running calls are ended by their workers. Safe to repeat.

    Returns the position of the first clean-up step to run.
    """
    with transaction.atomic():
        statements.execution.lock(execution_id)
        execution = Execution.objects.only("id", "status", "cancel_requests").filter(pk=execution_id).first()
        if execution is None:
            return None  # it was deleted meanwhile
        clean_up_too = execution.cancel_requests >= 2 or execution.status == "PENDING"
        cancelled, execution = statements.cancel.cancel_open_steps(execution_id, clean_up_too=clean_up_too)
        ended = statements.cancel.end_unstarted(execution_id)
    updates = _updates_of(execution, cancelled)
    if ended is not None:
        events.publish([*updates, messages.execution_update(ended)])
        after_execution(ended)
        return None
    events.publish(updates)
    return end_phase(execution_id) if execution.remaining == 0 else None
