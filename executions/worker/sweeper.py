"""The sweeper of every worker: publishes what is due. What lost its worker is `rescue`'s, in a thread of its own.

It sleeps until the nearest `look_at`, at most a second. Many sweepers may run at once: each row goes to one of them
(SKIP LOCKED on PostgreSQL, one writer on SQLite). An empty sweep is two look-ups in partial indexes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache, partial
from uuid import UUID

from celery import current_app

from executions import statements
from executions.broker import chain
from executions.broker.lanes import lane_of
from executions.engine.cancel import cancel_children, end_overdue_executions
from executions.engine.children import child_is_over
from executions.engine.context import neighbours
from executions.engine.progress import end_phase, follow, settle_cancel
from executions.in_process.loops import Loop, alone
from executions.models import Execution, ExecutionStep
from executions.starting import admission
from executions.states import ExecutionStatus, StepStatus
from resources.secrets.encryption import SecretsUnreadable
from telemetry import metrics

logger = logging.getLogger(__name__)

#: The longest sleep between two sweeps, in seconds.
TICK_SECONDS = 1.0
#: How often limits of time and turns to begin are looked at, in seconds.
ORDER_SECONDS = 2.0
#: At so many looks (0.5, 1.5, 3.5 min) what was published is late where its lane is busy; at the next (7.5 min) it is
#: lost: a broker may have lost its message, and be busy ever since.
LATE_LOOKS = 3
#: How many rows one sweep takes of each kind. Few: other workers publish the rest meanwhile.
BATCH = 25

#: Whether tasks wait in a lane of the broker.
Busy = Callable[[int], bool]


class Waker:
    """The sweeping thread of a worker process."""

    def __init__(self) -> None:
        """Start stopped."""
        self._loop = Loop("waker", self.sweep)
        self._order_at = 0.0

    def start(self) -> None:
        """Start the thread, once a process."""
        self._loop.start()

    def sweep(self) -> float:
        """Look at every row that is due; returns how many seconds to sleep."""
        self._keep_order()
        busy = cache(queue_holds_work)  # asked once a lane, not for each row
        steps = statements.sweep.take_due_steps(BATCH)
        for step in steps:
            alone(partial(_publish_step, busy), step)
        executions = statements.sweep.take_due_executions(BATCH)
        for execution in executions:
            alone(partial(_look_at_execution, busy), execution)
        return 0.0 if len(steps) == BATCH or len(executions) == BATCH else _seconds_to_next()

    def _keep_order(self) -> None:
        """Now and then: what lasts too long is ended, and who waits for their turn gets it."""
        if time.monotonic() >= self._order_at:
            self._order_at = time.monotonic() + ORDER_SECONDS
            end_overdue_executions()
            admission.sweep()


def _publish_step(busy: Busy, step: ExecutionStep) -> None:
    """Publish the step, unless it waits for another one that has not ended, or is late rather than lost."""
    if _was_published(step) and _is_late(busy, step, step.execution_id):
        return
    if step.status == StepStatus.WAITING:
        if step.due_at is None and not _is_forgotten(step):
            return
        # Due later than it is looked at: its watcher was lost.
        statements.next_steps.wake(step.execution_id, step.position, early=True)
    metrics.sweeper_did("publish_step")
    chain.publish(step.execution_id, [step.position])


def _was_published(step: ExecutionStep) -> bool:
    """Whether it was published as soon as it might run, by whoever let it start, or by a sweeper when it was due."""
    return step.status == StepStatus.PENDING or (step.due_at is not None and step.looks > 1)


def _is_late(busy: Busy, row: Execution | ExecutionStep, execution_id: UUID) -> bool:
    """Whether the message of what was published may still be in the queue."""
    return row.looks <= LATE_LOOKS and busy(lane_of(execution_id))


def _is_forgotten(step: ExecutionStep) -> bool:
    """Whether what the step waits for has ended, and the worker that should have said so was lost before it did.

    Also where it cannot be told any more: the step finds that out itself, and ends.
    """
    try:
        return child_is_over(step) or (step.awaiting and not neighbours(step).running_background())
    except SecretsUnreadable:
        return True


def _look_at_execution(busy: Busy, execution: Execution) -> None:
    if execution.cancel_requested_at is not None:
        _cancel_again(busy, execution)
    elif execution.status == ExecutionStatus.PENDING and not execution.admitted and execution.due_at is None:
        return  # it waits for its turn: `admission.sweep` looks after all of these at once
    elif execution.status == ExecutionStatus.PENDING:
        metrics.sweeper_did("publish_execution")
        chain.publish_from(execution.id, execution.cursor or 0, begin=True)
    elif execution.remaining == 0:
        follow(execution.id, end_phase(execution.id))
    else:
        _publish_cursor(busy, execution)


def _cancel_again(busy: Busy, execution: Execution) -> None:
    """Settle a cancel once more: a step may have begun to wait, or a child to run, while it was asked for."""
    metrics.sweeper_did("cancel")
    statements.sweep.look_at_execution(execution.id, 2.0)
    cancel_children(execution)
    follow(execution.id, settle_cancel(execution.id))
    if execution.remaining == 0:
        follow(execution.id, end_phase(execution.id))
    else:
        _publish_cursor(busy, execution)


def _publish_cursor(busy: Busy, execution: Execution) -> None:
    """Publish the step that is next, where nobody has it."""
    if execution.cursor is None:
        return
    at_cursor = execution.steps.filter(position=execution.cursor).values_list("status", flat=True).first()
    if at_cursor == StepStatus.PENDING and not _is_late(busy, execution, execution.pk):
        metrics.sweeper_did("publish_execution")
        chain.publish_from(execution.id, execution.cursor)


def queue_holds_work(lane: int) -> bool:
    """Return whether tasks wait in the lane's queue in the broker: then an unclaimed step is late, not lost.

    A broker that does not answer holds none: publishing will notice it, and have the row looked at soon.
    """
    try:
        return _queue_length(lane) > 0
    except Exception as error:  # each transport raises its own
        logger.warning("the queue's length is not known: %s", error)
        return False


def _queue_length(lane: int) -> int:
    with (
        current_app.connection_for_read() as broker,
        broker.channel() as channel,
    ):
        # Our Redis transport counts; others do not say, and are asked again later.
        size = getattr(channel, "lane_size", None)
        return int(size(current_app.conf.task_default_queue, lane)) if size is not None else 0


def _seconds_to_next() -> float:
    """Return the seconds until the next look, at most TICK_SECONDS."""
    left = statements.sweep.seconds_to_next_look()
    return TICK_SECONDS if left is None else min(max(left, 0.02), TICK_SECONDS)


waker = Waker()
