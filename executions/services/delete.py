"""Deleting: an execution that is over goes with its steps and children."""

from __future__ import annotations

from django.db import transaction

from accounts.audit import record
from executions.models import Execution
from executions.states import EXECUTION_TERMINAL


class NotOver(Exception):
    """The execution still runs: cancel it first."""


@transaction.atomic
def delete_execution(*, execution: Execution) -> None:
    """Delete the execution with its steps and children; raises NotOver."""
    if execution.status not in EXECUTION_TERMINAL:
        raise NotOver
    record(actor=None, action="execution.delete", team=execution.team, target=execution)
    execution.delete()
