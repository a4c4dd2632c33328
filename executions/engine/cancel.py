"""Cancelling: running calls are ended, what has not started is CANCELLED, clean-up still runs."""

from __future__ import annotations

from django.db import transaction

from accounts.audit.log import record
from executions import statements
from executions.engine.progress import follow, settle_cancel
from executions.live import events, messages
from executions.models import Execution, ExecutionStep

#: How long the clean-up of an execution may take that lasted too long, in seconds.
CLEAN_UP_SECONDS = 600.0


class AlreadyOver(Exception):
    """The execution has ended: there is nothing to cancel."""


def cancel_execution(execution: Execution) -> Execution:
    """Ask for the execution's end, and that of its children; a second request ends clean-up too.

    Raises AlreadyOver. Returns the execution as it is now: the workers end what runs within a second.
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
    follow(requested.id, settle_cancel(requested.id))
    return Execution.objects.get(pk=requested.pk)


def end_overdue_executions() -> None:
    """End the executions that last longer than they may: as a cancel would, but FAILED, with `execution_timeout`.

    Their clean-up has CLEAN_UP_SECONDS, then it is ended too.
    """
    for execution in statements.cancel.end_overdue(CLEAN_UP_SECONDS):
        _carry_out(execution)


def cancel_children(execution: Execution) -> None:
    """Pass the execution's cancel requests on to the children that run; safe to repeat.

    The first request leaves the children of clean-up steps alone: clean-up is still to run.
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
