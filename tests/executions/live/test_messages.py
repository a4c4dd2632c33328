"""The messages of contract section 8."""

from __future__ import annotations

import time
from typing import Any

import pytest

from accounts.models import Team
from executions.live import messages
from executions.models import Execution, ExecutionStep
from executions.presentation import execution_json, step_json
from executions.states import EXECUTION_TERMINAL, ExecutionStatus, StepStatus
from tests.executions.rows import START


def execution(**fields: Any) -> Execution:
    return Execution(team=Team(), created_at=START, sequence=7, status=ExecutionStatus.IN_PROGRESS, **fields)


def test_step_update_is_the_rest_step_plus_its_id() -> None:
    run = execution()
    response: Any = {"status": 201}
    step = ExecutionStep(execution=run, position=0, name="create_order", status="SUCCESS", response=response)
    update = messages.step_update(run, step)
    assert update["stepUpdate"] == {**step_json(step), "stepId": str(step.id)}
    assert (update["updateType"], update["message"]) == ("STEP_UPDATE", "Step completed")
    assert (update["executionId"], update["sequence"]) == (str(run.id), 7)
    assert update["executionStatus"] == "IN_PROGRESS"
    assert abs(update["timestamp"] - time.time() * 1000) < 60_000


def test_execution_update_has_no_steps_and_its_own_number() -> None:
    run = execution()
    update = messages.execution_update(run, sequence=9)
    assert update["execution"] == {**execution_json(run), "sequence": 9}
    assert update["sequence"] == 9
    assert "steps" not in update["execution"]


def test_snapshot_is_what_rest_gives() -> None:
    run = execution()
    step = ExecutionStep(execution=run, position=0, name="a")
    update = messages.snapshot(run, [step])
    assert update["execution"] == execution_json(run, [step])
    assert (update["updateType"], update["sequence"]) == ("SNAPSHOT", 7)


def test_message_says_its_text() -> None:
    update = messages.message(execution(), "Worker was lost")
    assert (update["updateType"], update["message"], update["sequence"]) == ("MESSAGE", "Worker was lost", 7)
    assert "execution" not in update


@pytest.mark.parametrize("status", list(StepStatus))
def test_every_step_status_has_a_sentence(status: StepStatus) -> None:
    assert messages.step_update(execution(), ExecutionStep(position=0, status=status))["message"].startswith(
        "Step "
    )


@pytest.mark.parametrize("status", list(ExecutionStatus))
def test_final_is_the_end_of_the_execution_alone(status: ExecutionStatus) -> None:
    run = execution()
    run.status = status
    assert messages.is_final(messages.execution_update(run)) == (status in EXECUTION_TERMINAL)
    assert messages.is_final(messages.snapshot(run, [])) == (status in EXECUTION_TERMINAL)
    assert not messages.is_final(messages.step_update(run, ExecutionStep(position=0)))
    assert not messages.is_final(messages.message(run, "Something was said"))


def test_cancel_request_has_its_own_sentence() -> None:
    assert (
        messages.execution_update(execution(cancel_requested_at=START))["message"] == "Cancel was requested"
    )


def test_the_team_hears_nothing_private() -> None:
    light = messages.for_team(messages.execution_update(execution(flow_name="Orders", variables=["private"])))
    assert light["flowName"] == "Orders"
    assert light["updateType"] == "EXECUTION_UPDATE"
    assert "variables" not in light
