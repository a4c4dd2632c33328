"""Deletes an execution that has ended, with its steps and children."""

from __future__ import annotations

from accounts.audit.log import record
from accounts.transactions import deletion, held_whole
from executions.models import Execution
from executions.retention.purge import remove_executions, remove_held, with_children
from executions.states import EXECUTION_TERMINAL


class NotOver(Exception):
    """The execution has not ended."""


def delete_execution(*, execution: Execution) -> None:
    """Delete the execution with its steps and children.

    Children are deleted first, in batches. Raises NotOver if it or a child still runs, DoesNotExist if another request
    deleted it at the same time.
    """
    tree = with_children([execution.pk])
    if execution.status not in EXECUTION_TERMINAL or not tree:
        raise NotOver
    remove_executions([pk for pk in tree if pk != execution.pk])
    _remove(execution)


@deletion
def _remove(execution: Execution) -> None:
    execution = held_whole(execution)
    record(actor=None, action="execution.delete", team=execution.team, target=execution)
    remove_held([execution.pk])
