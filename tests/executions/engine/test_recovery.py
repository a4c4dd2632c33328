"""Steps whose worker was lost: they run again, are retried, or end in ERROR; once, and not for ever."""

from __future__ import annotations

import time

import pytest

from accounts.models import Team, User
from executions import statements
from executions.engine.recovery import MOST_LOSSES
from executions.models import Execution, ExecutionStep
from executions.states import EXECUTION_TERMINAL
from flows.documents.document import check_document
from flows.services import create_flow
from tests.executions.driving import at_once, begin, choice, delay, drive, statuses, step_of
from tests.executions.sweeping import due_step, lost, recover_lost_steps, running


@pytest.mark.parametrize("ms", [0, 5])
def test_a_step_without_side_effects_runs_again(driven: None, team: Team, ms: int) -> None:
    execution, step = running(team, ms=ms)
    recover_lost_steps()
    step.refresh_from_db()
    assert (step.status, step.attempts, step.losses) == ("WAITING", 0, 1)
    done = drive_until_over(execution)
    assert (done.status, statuses(done)) == ("COMPLETED", {"a": "SUCCESS", "x": "SUCCESS"})


def test_a_step_without_side_effects_also_ends(driven: None, team: Team) -> None:
    execution, step = running(team)
    for _ in range(MOST_LOSSES - 1):
        recover_lost_steps()
        assert statements.step.claim(execution.pk, 0, "lost") is not None
        due_step(step)
    recover_lost_steps()
    step.refresh_from_db()
    assert (step.status, step.error["code"]) == ("ERROR", "interrupted")


def test_a_lost_condition_chooses_again_if_no_branch_moved(driven: None, team: Team) -> None:
    execution = begin(team, [choice("c", [delay("i")], [delay("j")])])
    lost(execution)
    recover_lost_steps()
    assert statuses(drive(execution)) == {"c": "SUCCESS", "i": "SUCCESS", "j": "SKIPPED"}


def test_a_lost_condition_that_may_have_chosen_is_interrupted(driven: None, team: Team) -> None:
    execution = begin(team, [choice("c", [delay("i")], [delay("j")])])
    lost(execution)
    ExecutionStep.objects.filter(execution=execution, name="j").update(status="SKIPPED")
    recover_lost_steps()
    assert step_of(execution, "c").error["code"] == "interrupted"


def test_a_lost_flow_step_has_one_child(driven: None, team: Team, alice: User) -> None:
    child = create_flow(
        team=team, user=alice, document=check_document({"name": "Child", "steps": [delay("s")]})
    )
    flow_step = {"name": "f", "stepType": "flow", "meta": {"flowId": str(child.pk)}}
    execution = begin(team, [flow_step])
    lost(execution)
    recover_lost_steps()
    drive(execution)
    assert Execution.objects.filter(parent=execution).count() == 1


def drive_until_over(execution: Execution) -> Execution:
    deadline = time.monotonic() + 20
    while (done := drive(execution)).status not in EXECUTION_TERMINAL:
        assert time.monotonic() < deadline
    return done


def test_a_step_without_retry_ends_as_interrupted(driven: None, with_effect: None, team: Team) -> None:
    execution, step = running(team)
    recover_lost_steps()
    step.refresh_from_db()
    assert step.status == "ERROR"
    assert step.error["code"] == "interrupted"
    done = drive(execution)
    assert (done.status, statuses(done)) == ("FAILED", {"a": "ERROR", "x": "SUCCESS"})


def test_a_step_whose_policy_allows_it_runs_again(driven: None, with_effect: None, team: Team) -> None:
    execution, step = running(team, retry={"maxRetries": 1})
    recover_lost_steps()
    step.refresh_from_db()
    assert (step.status, step.attempts, step.losses) == ("WAITING", 1, 1)
    done = drive(execution)
    assert (done.status, statuses(done)) == ("COMPLETED", {"a": "SUCCESS", "x": "SUCCESS"})
    history = step_of(done, "a").attempt_history.values_list("number", "status")
    assert list(history) == [(1, "ERROR"), (2, "SUCCESS")]


def test_retry_on_failed_alone_does_not_cover_a_lost_worker(
    driven: None, with_effect: None, team: Team
) -> None:
    _, step = running(team, retry={"maxRetries": 5, "retryOn": ["FAILED"]})
    recover_lost_steps()
    step.refresh_from_db()
    assert step.status == "ERROR"


def test_a_step_that_loses_worker_after_worker_ends(driven: None, with_effect: None, team: Team) -> None:
    execution, step = running(team, retry={"maxRetries": 50, "initialDelayMs": 0})
    for loss in range(1, MOST_LOSSES + 1):
        recover_lost_steps()
        step.refresh_from_db()
        assert step.losses == loss
        if loss < MOST_LOSSES:
            assert statements.step.claim(execution.pk, 0, "lost") is not None
            due_step(step)
    assert step.status == "ERROR"


def test_a_lost_step_of_a_cancelled_execution_is_cancelled(driven: None, team: Team) -> None:
    execution, step = running(team, retry={"maxRetries": 5})
    statements.cancel.request(execution.pk)
    recover_lost_steps()
    step.refresh_from_db()
    assert step.status == "CANCELLED"


def test_a_lost_step_is_recovered_by_one_worker(alone: None, with_effect: None, team: Team) -> None:
    execution, step = running(team)
    results = at_once(*[recover_lost_steps for _ in range(3)])
    assert not [result for result in results if isinstance(result, Exception)]
    step.refresh_from_db()
    assert (step.status, step.losses, step.attempt_history.count()) == ("ERROR", 1, 1)
    assert Execution.objects.get(pk=execution.pk).cursor == 1
