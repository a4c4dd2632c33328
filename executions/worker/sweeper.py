"""The sweeper of every worker process: publishes what is due. Steps of lost workers are left to `lost_workers`.

It sleeps until the nearest `look_at`, at most a second. Many sweepers may run at once: each row goes to one of them
(SKIP LOCKED on PostgreSQL, one writer on SQLite). An empty sweep is two look-ups in partial indexes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from uuid import UUID

from celery import current_app

from executions import statements
from executions.broker import chain
from executions.broker.lanes import lane_of
from executions.broker.queues import queue_of
from executions.engine.cancel import cancel_children, end_overdue_executions
from executions.engine.children import child_is_over
from executions.engine.context import load_referenced_steps
from executions.engine.progress import cancel_open_steps, end_phase, publish_next
from executions.models import Execution, ExecutionStep
from executions.runtime.background_thread import BackgroundThread
from executions.starting import admission
from executions.states import ExecutionStatus, StepStatus
from executions.worker.row_errors import handle_row
from resources.secrets.encryption import SecretsUnreadable
from telemetry import metrics

logger = logging.getLogger(__name__)

#: The longest sleep between two sweeps, in seconds.
TICK_SECONDS = 1.0
#: How often time limits and admission are checked, in seconds.
LIMITS_SECONDS = 2.0
#: While its lane is busy, a published row counts as late for this many looks (after 0.5, 1.5, 3.5 min). At the next
#: look (7.5 min) it counts as lost: the broker may have lost its message, and be busy ever since.
LATE_LOOKS = 3
#: How many rows of each kind one sweep takes. Few, since other workers publish the rest meanwhile.
BATCH = 25

#: Says whether tasks wait in a lane of the broker.
Busy = Callable[[int], bool]


class Sweeper:
    """The sweeper of a worker process, and its thread."""

    def __init__(self) -> None:
        """Start stopped."""
        self._thread = BackgroundThread("sweeper", self.sweep)
        self._limits_at = 0.0

    def start(self) -> None:
        """Start the thread, once a process."""
        self._thread.start()

    def sweep(self) -> float:
        """Handle a batch of the rows that are due; returns the seconds until the next sweep."""
        self._apply_limits()
        busy = cache(queue_holds_work)  # asked once a lane, not for each row
        steps = statements.sweep.take_due_steps(BATCH)
        for step in steps:
            handle_row(partial(_publish_step, busy), step)
        executions = statements.sweep.take_due_executions(BATCH)
        for execution in executions:
            handle_row(partial(_handle_execution, busy), execution)
        return 0.0 if len(steps) == BATCH or len(executions) == BATCH else _seconds_to_next()

    def _apply_limits(self) -> None:
        """Every few seconds, end executions that ran out of time, and admit waiting ones."""
        if time.monotonic() >= self._limits_at:
            self._limits_at = time.monotonic() + LIMITS_SECONDS
            end_overdue_executions()
            admission.admit_waiting()


def _publish_step(busy: Busy, step: ExecutionStep) -> None:
    """Publish the step, unless it waits for a step that has not ended, or its message is late rather than lost."""
    if _was_published(step) and _is_late(busy, step, step.execution_id):
        return
    if step.status == StepStatus.WAITING:
        if step.due_at is None and not _is_forgotten(step):
            return
        # It is looked at before it is due: its watcher was lost.
        statements.next_steps.wake(step.execution_id, step.position, early=True)
    metrics.sweeper_did("publish_step")
    chain.publish(step.execution_id, [step.position])


def _was_published(step: ExecutionStep) -> bool:
    """Return whether it was published before: when it was released, or by a sweeper when it was due."""
    return step.status == StepStatus.PENDING or (step.due_at is not None and step.looks > 1)


def _is_late(busy: Busy, row: Execution | ExecutionStep, execution_id: UUID) -> bool:
    """Return whether the message of the published row may still be in the queue."""
    return row.looks <= LATE_LOOKS and busy(lane_of(execution_id))


def _is_forgotten(step: ExecutionStep) -> bool:
    """Return whether what the step waits for has ended, but its worker was lost before it woke the step.

    Also where that cannot be read any more, because the key of its secrets is lost: the step finds that out, and ends.
    """
    try:
        return child_is_over(step) or (step.awaiting and not load_referenced_steps(step).running_background())
    except SecretsUnreadable:
        return True


def _handle_execution(busy: Busy, execution: Execution) -> None:
    if execution.cancel_requested_at is not None:
        _cancel_again(busy, execution)
    elif execution.status == ExecutionStatus.PENDING and not execution.admitted and execution.due_at is None:
        return  # it waits for admission: `admission.admit_waiting` handles all of these at once
    elif execution.status == ExecutionStatus.PENDING:
        metrics.sweeper_did("publish_execution")
        chain.publish_from(execution.id, execution.cursor or 0, begin=True)
    elif execution.remaining == 0:
        publish_next(execution.id, end_phase(execution.id))
    else:
        _publish_cursor(busy, execution)


def _cancel_again(busy: Busy, execution: Execution) -> None:
    """Carry the cancel out once more: a step may have begun to wait, or a child to run, while it came."""
    metrics.sweeper_did("cancel")
    statements.sweep.look_at_execution(execution.id, 2.0)
    cancel_children(execution)
    publish_next(execution.id, cancel_open_steps(execution.id))
    if execution.remaining == 0:
        publish_next(execution.id, end_phase(execution.id))
    else:
        _publish_cursor(busy, execution)


def _publish_cursor(busy: Busy, execution: Execution) -> None:
    """Publish the next step, where no worker has claimed it."""
    if execution.cursor is None:
        return
    at_cursor = execution.steps.filter(position=execution.cursor).values_list("status", flat=True).first()
    if at_cursor == StepStatus.PENDING and not _is_late(busy, execution, execution.pk):
        metrics.sweeper_did("publish_execution")
        chain.publish_from(execution.id, execution.cursor)


def queue_holds_work(lane: int) -> bool:
    """Return whether tasks wait in the lane's queue in the broker: then an unclaimed step is late, not lost.

    False where the broker does not answer: publishing fails too, and the row is looked at again soon.
    """
    try:
        return _queue_length(lane) > 0
    except Exception as error:  # each transport raises its own
        logger.warning("the length of the broker's queue is unknown: %s", error)
        return False


def _queue_length(lane: int) -> int:
    with (
        current_app.connection_for_read() as broker,
        broker.channel() as channel,
    ):
        opened: Any = channel  # Kombu's stubs leave the method out
        return int(opened.queue_declare(queue_of(lane), passive=True).message_count)


def _seconds_to_next() -> float:
    """Return the seconds until the next look, at most TICK_SECONDS."""
    left = statements.sweep.seconds_to_next_look()
    return TICK_SECONDS if left is None else min(max(left, 0.02), TICK_SECONDS)


sweeper = Sweeper()
