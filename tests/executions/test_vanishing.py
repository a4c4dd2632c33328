"""An execution that is deleted while it runs: its worker stops quietly (`run_step.is_deleted` and its callers)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError

from accounts.models import Team
from executions.broker.thread_shares import Work
from executions.engine import progress
from executions.engine import run_step as engine
from executions.engine.cancel import cancel_children
from executions.engine.recovery import recover_step
from executions.models import Execution, ExecutionStep
from executions.worker import tasks
from executions.worker.row_errors import handle_row
from tests.executions.driving import begin, delay

#: What a step meets whose rows went: a look-up of ours, or a foreign key.
GONE = (Execution.DoesNotExist("gone"), IntegrityError("FOREIGN KEY constraint failed"))


def remove(execution: Execution) -> None:
    """Delete the execution as a deleted team takes it along."""
    ExecutionStep.objects.filter(execution=execution).delete()
    Execution.objects.filter(pk=execution.pk).delete()


def going(execution: Execution, error: Exception) -> Callable[..., Any]:
    """Return a stand-in for the work of a step in the midst of which the execution goes."""

    def run_attempts(*_: Any, **__: Any) -> None:
        remove(execution)
        raise error

    return run_attempts


@pytest.mark.parametrize("error", GONE, ids=["look-up", "foreign key"])
def test_a_step_stops_quietly(
    driven: None,
    team: Team,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    execution = begin(team, [delay("one")])
    monkeypatch.setattr(engine, "run_attempts", going(execution, error))
    with caplog.at_level(logging.INFO, "executions"):
        assert tasks._run(Work(execution.pk, None, True, (), None)) is None
    assert caplog.records == []


def test_a_missing_row_of_an_existing_execution_is_an_error(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    execution = begin(team, [delay("one")])

    def run_attempts(*_: Any, **__: Any) -> None:
        raise Team.DoesNotExist

    monkeypatch.setattr(engine, "run_attempts", run_attempts)
    engine.run_step(execution.pk, None, begin=True)
    assert "failed unexpectedly" in caplog.text
    assert execution.steps.get().error["code"] == "internal_error"


def test_nothing_follows_for_a_deleted_execution(driven: None, team: Team) -> None:
    parent = begin(team, [delay("one")])
    child = begin(team, [delay("inner")], parent=parent, parent_position=0)
    remove(child)
    assert progress.cancel_open_steps(child.pk) is None
    assert progress.end_phase(child.pk) is None
    Execution.objects.filter(pk=parent.pk).delete()
    progress.after_execution(child)  # nobody to be told
    cancel_children(parent)


def test_a_deleted_step_is_not_recovered(driven: None, team: Team, caplog: pytest.LogCaptureFixture) -> None:
    execution = begin(team, [delay("one")])
    step = execution.steps.get()
    remove(execution)
    recover_step(step)

    def look(_: Execution) -> None:
        raise Execution.DoesNotExist

    with caplog.at_level(logging.WARNING):
        handle_row(look, execution)
    assert caplog.records == []
