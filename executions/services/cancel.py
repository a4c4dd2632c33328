"""Cancelling: running calls are ended, what has not started is CANCELLED, clean-up still runs."""

from __future__ import annotations

import uuid

from executions import moves
from executions.live import events, messages
from executions.models import Execution
from executions.progress import follow, settle_cancel


class AlreadyOver(Exception):
    """The execution has ended: there is nothing to cancel."""


def cancel_execution(execution: Execution) -> Execution:
    """Ask for the execution's end, and that of its children; a second request ends clean-up too.

    Raises AlreadyOver. Returns the execution as it is now: the workers end what runs within a second.
    """
    requested = moves.request_cancel(execution.id)
    if requested is None:
        raise AlreadyOver
    events.publish([messages.execution_update(requested)])
    cancel_children(execution.id)
    follow(execution.id, settle_cancel(execution.id))
    return Execution.objects.get(pk=execution.pk)


def cancel_children(execution_id: uuid.UUID) -> None:
    """Cancel the children that run."""
    for child in Execution.objects.filter(parent=execution_id, status__in=["PENDING", "IN_PROGRESS"]):
        try:
            cancel_execution(child)
        except AlreadyOver:
            continue  # it ended by itself in between
