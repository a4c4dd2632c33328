"""Deletes an execution that is over, with its steps and children."""

from __future__ import annotations

from accounts.audit.log import record
from accounts.transactions import deletion, held_whole
from executions.models import Execution
from executions.retention.removal import remove_executions, remove_held, with_children
from executions.states import EXECUTION_TERMINAL


class NotOver(Exception):
    """The execution still runs. Cancel it first."""


def delete_execution(*, execution: Execution) -> None:
    """Delete the execution with its steps and children; raises NotOver.

    Children are deleted first, in batches. Of two requests at the same time one deletes the execution itself, the other
    one finds it gone (DoesNotExist).
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
