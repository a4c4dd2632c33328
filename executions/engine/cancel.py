"""Cancels executions: running calls end, steps that have not started are CANCELLED, clean-up still runs."""

from __future__ import annotations

from django.db import transaction

from accounts.audit.log import record
from executions import statements
from executions.engine.progress import cancel_open_steps, publish_next
from executions.live import events, messages
from executions.models import Execution, ExecutionStep

#: How long the clean-up of an execution that ran out of time may take, in seconds.
CLEAN_UP_SECONDS = 600.0


class AlreadyOver(Exception):
    """The execution has ended: there is nothing to cancel."""


def cancel_execution(execution: Execution) -> Execution:
    """Cancel the execution and its children; a second request cancels clean-up too.

    Returns the execution as it is now: the workers end running calls within a second. Raises AlreadyOver.
    """
    with transaction.atomic():
        requested = _request(execution)
        record(actor=None, action="execution.cancel", team=execution.team, target=execution)
    return _carry_out(requested)


def _request(execution: Execution) -> Execution:
    requested = statements.cancel.request(execution.id)
    if requested is None:
        raise AlreadyOver
    return requested


def _carry_out(requested: Execution) -> Execution:
    events.publish([messages.execution_update(requested)])
    cancel_children(requested)
    publish_next(requested.id, cancel_open_steps(requested.id))
    return Execution.objects.get(pk=requested.pk)


def end_overdue_executions() -> None:
    """End the executions that ran out of time: as a cancel does, but FAILED, with the code `execution_timeout`.

    Their clean-up has CLEAN_UP_SECONDS, then it is ended too.
    """
    for execution in statements.cancel.end_overdue(CLEAN_UP_SECONDS):
        _carry_out(execution)


def cancel_children(execution: Execution) -> None:
    """Pass the execution's cancel requests on to its open children. Safe to repeat.

    The first request leaves the children of clean-up steps alone: clean-up still runs.
    """
    open_ = Execution.objects.filter(parent=execution.pk, status__in=["PENDING", "IN_PROGRESS"])
    if execution.cancel_requests < 2:
        clean_up = ExecutionStep.objects.filter(execution=execution.pk, always_run=True)
        open_ = open_.exclude(parent_position__in=clean_up.values("position"))
    for child in open_.filter(cancel_requests__lt=min(execution.cancel_requests, 2)):
        for _ in range(min(execution.cancel_requests, 2) - child.cancel_requests):
            try:
                _carry_out(_request(child))
            except AlreadyOver:
                break  # it has ended in between
