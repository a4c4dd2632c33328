"""Tests of `executions.retention.delete`."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent, Team
from executions.models import Execution, ExecutionStep
from executions.retention.delete import NotOver, delete_execution
from executions.states import ExecutionStatus
from tests.executions.rows import make_attempt, make_execution, make_step

OVER = ExecutionStatus.COMPLETED


def events() -> int:
    return AuditEvent.objects.filter(action="execution.delete").count()


def test_it_is_deleted_with_its_children_and_one_event(team: Team) -> None:
    execution = make_execution(team, status=OVER)
    child = make_execution(team, status=OVER, parent=execution)
    make_attempt(make_step(make_execution(team, status=OVER, parent=child)))
    again = make_execution(team, status=OVER, rerun_of=execution)
    delete_execution(execution=execution)
    assert list(Execution.objects.all()) == [again]
    assert not ExecutionStep.objects.exists()
    assert Execution.objects.get().rerun_of_id is None
    assert events() == 1


def test_the_second_deletion_finds_it_deleted(team: Team) -> None:
    execution = make_execution(team, status=OVER)
    delete_execution(execution=execution)
    with pytest.raises(Execution.DoesNotExist):
        delete_execution(execution=execution)
    assert events() == 1


@pytest.mark.parametrize("of", ["itself", "a child"])
def test_running_executions_are_kept(team: Team, of: str) -> None:
    execution = make_execution(team, status=ExecutionStatus.IN_PROGRESS if of == "itself" else OVER)
    make_execution(team, status=ExecutionStatus.IN_PROGRESS if of == "a child" else OVER, parent=execution)
    with pytest.raises(NotOver):
        delete_execution(execution=execution)
    assert Execution.objects.count() == 2
    assert events() == 0
