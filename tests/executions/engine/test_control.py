"""Cancel, children, re-run, initial delay, idempotency, and a lost worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Team, User
from executions.engine.cancel import AlreadyOver, cancel_execution
from executions.models import Execution
from executions.starting.admission import RunRefused
from executions.starting.rerun import rerun
from executions.starting.start import start_execution
from executions.states import Source
from flows.models import Flow
from flows.services import create_flow, save_version
from tests.executions.engine.conftest import Run, document, finish
from tests.executions.engine.target import Target
from tests.servers.stack import Worker

RunFlow = Callable[..., Run]
StartFlow = Callable[..., Execution]


def until_step(execution: Execution, name: str, status: str) -> None:
    """Wait until the step has the status."""
    for _ in range(1_000):
        if execution.steps.filter(name=name, status=status).exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{name} is {execution.steps.get(name=name).status}")


def test_cancel_ends_the_running_call_and_runs_clean_up(start: StartFlow) -> None:
    execution = start(
        """
        steps:
          - {name: first, stepType: http, meta: {url: '${base_url}/echo'}}
          - {name: slow, stepType: http, meta: {url: '${base_url}/slow?ms=90000'}, timeoutMs: 90000}
          - {name: never, stepType: http, meta: {url: '${base_url}/echo'}}
          - {name: clean, stepType: http, meta: {url: '${base_url}/echo?s=${first.status}'}, alwaysRun: true}
        """
    )
    until_step(execution, "slow", "IN_PROGRESS")
    assert cancel_execution(execution).cancel_requested_at is not None
    done = finish(execution)  # long before the call's own end
    assert done.status == "CANCELLED"
    assert done.statuses == {
        "first": "SUCCESS",
        "slow": "CANCELLED",
        "never": "CANCELLED",
        "clean": "SUCCESS",
    }
    with pytest.raises(AlreadyOver):
        cancel_execution(execution)


def test_cancel_ends_a_wait(start: StartFlow) -> None:
    execution = start("steps: [{name: wait, stepType: delay, meta: {delayMs: 600000}}]")
    until_step(execution, "wait", "WAITING")
    cancel_execution(execution)
    done = finish(execution)
    assert (done.status, done.statuses) == ("CANCELLED", {"wait": "CANCELLED"})


def test_cancel_before_it_began(start: StartFlow, worker: Worker) -> None:
    worker.freeze()
    execution = start("steps: [{name: one, stepType: http, meta: {url: '${base_url}/echo'}}]")
    cancel_execution(execution)
    worker.thaw()
    done = finish(execution)
    assert (done.status, done.statuses) == ("CANCELLED", {"one": "CANCELLED"})
    assert done.execution.started_at is None


def test_a_second_cancel_ends_clean_up(start: StartFlow) -> None:
    execution = start(
        """
        steps:
          - {name: wait, stepType: delay, meta: {delayMs: 60000}}
          - {name: clean, stepType: http, meta: {url: '${base_url}/slow?ms=20000'}, alwaysRun: true}
          - {name: clean_more, stepType: http, meta: {url: '${base_url}/echo'}, alwaysRun: true}
        """
    )
    until_step(execution, "wait", "WAITING")
    cancel_execution(execution)
    until_step(execution, "clean", "IN_PROGRESS")
    cancel_execution(execution)
    done = finish(execution)
    assert done.statuses == {"wait": "CANCELLED", "clean": "CANCELLED", "clean_more": "CANCELLED"}


CHILD = """
name: Child
variables: [{name: code, type: integer, defaultValue: 200}]
steps:
  - {name: call, stepType: http, meta: {url: '${base_url}/status?code=${code}'}, extract: {answer: body.number}}
"""


@pytest.fixture
def child(team: Team, alice: User, base_url: str) -> Flow:
    checked = document(CHILD)
    checked.variables[-1].default_value = base_url
    return create_flow(team=team, user=alice, document=checked)


PARENT = """
variables: [{{name: code, type: integer, defaultValue: 200}}]
steps:
  - {{name: sub, stepType: flow, meta: {{flowId: '{flow}', variables: {{code: '${{code}}'}}}}}}
  - {{name: after, stepType: http, meta: {{url: '${{base_url}}/echo?a=${{sub.variables.answer}}'}}}}
"""


def test_a_flow_step_runs_a_child(run: RunFlow, child: Flow) -> None:
    done = run(PARENT.format(flow=child.pk))
    assert done.statuses == {"sub": "SUCCESS", "after": "SUCCESS"}
    child_execution = Execution.objects.get(parent=done.execution)
    assert done["sub"].response["executionId"] == str(child_execution.pk)
    assert done["sub"].response["variables"] == {"answer": 1}
    assert (child_execution.source, child_execution.depth) == ("FLOW", 1)


def test_a_failed_child_fails_its_step(run: RunFlow, child: Flow) -> None:
    done = run(PARENT.format(flow=child.pk), code=500)
    assert done.statuses == {"sub": "FAILED", "after": "SKIPPED"}
    assert done["sub"].error["message"] == "flow Child ended FAILED"


def test_a_child_that_cannot_be_started_is_an_error(run: RunFlow) -> None:
    done = run(PARENT.format(flow="0197f000-0000-7000-8000-000000000000"))
    assert done["sub"].status == "ERROR"
    assert done["sub"].error["code"] == "child_refused"


def test_a_branch_may_be_a_flow(run: RunFlow, child: Flow) -> None:
    done = run(
        f"""
        steps:
          - name: choose
            stepType: condition
            meta:
              branches: [{{condition: {{left: 1, operator: equals, right: 1}}, flowId: '{child.pk}'}}]
        """
    )
    assert done.statuses == {"choose": "SUCCESS"}
    assert done["choose"].response["matchedBranch"] == 0


def test_flows_nested_too_deep_are_an_error(run: RunFlow, team: Team, alice: User, base_url: str) -> None:
    first = document("steps: [{name: one, stepType: delay, meta: {delayMs: 1}}]")
    first.variables[-1].default_value = base_url
    flow = create_flow(team=team, user=alice, document=first)
    looping = document(f"steps: [{{name: again, stepType: flow, meta: {{flowId: '{flow.pk}'}}}}]")
    looping.variables[-1].default_value = base_url
    save_version(flow=flow, user=alice, document=looping)
    done = run(f"steps: [{{name: again, stepType: flow, meta: {{flowId: '{flow.pk}'}}}}]")
    assert done.status == "FAILED"
    assert Execution.objects.filter(flow=flow).count() == 10
    deepest = Execution.objects.get(flow=flow, depth=10)
    assert "10 levels deep" in deepest.steps.get().error["message"]


def test_cancel_goes_down_to_children(start: StartFlow, team: Team, alice: User, base_url: str) -> None:
    slow = document("steps: [{name: wait, stepType: delay, meta: {delayMs: 600000}}]")
    slow.variables[-1].default_value = base_url
    flow = create_flow(team=team, user=alice, document=slow)
    execution = start(PARENT.format(flow=flow.pk).replace("variables: {code: '${code}'}", "variables: {}"))
    for _ in range(500):
        if Execution.objects.filter(parent=execution, steps__status="WAITING").exists():
            break
        time.sleep(0.02)
    cancel_execution(execution)
    assert finish(execution).status == "CANCELLED"
    assert Execution.objects.get(parent=execution).status == "CANCELLED"


def test_a_retried_flow_step_runs_another_child(run: RunFlow, child: Flow) -> None:
    text = PARENT.format(flow=child.pk).replace(
        "stepType: flow,", "stepType: flow, retry: {maxRetries: 1, initialDelayMs: 10},"
    )
    done = run(text, code=500)
    assert done["sub"].status == "FAILED"
    assert Execution.objects.filter(parent=done.execution).count() == 2


FAILING = """
steps:
  - {name: first, stepType: http, meta: {url: '${base_url}/echo?key=first'}, extract: {n: body.number}}
  - {name: second, stepType: http, meta: {url: '${base_url}/fail?times=1&key=second&n=${n}'}}
  - {name: third, stepType: http, meta: {url: '${base_url}/echo?n=${first.body.number}'}}
"""


def test_rerun_from_the_failed_step_reuses_earlier_results(run: RunFlow, alice: User, target: Target) -> None:
    failed = run(FAILING)
    assert failed.statuses == {"first": "SUCCESS", "second": "FAILED", "third": "SKIPPED"}
    again = finish(rerun(execution=failed.execution, user=alice, source=Source.API, from_="FAILED"))
    assert again.status == "COMPLETED", again.execution.error
    assert [step.reused for step in again.steps.values()] == [True, False, False]
    assert again.execution.rerun_of == failed.execution
    assert target.calls["first"] == 1


def test_rerun_from_the_start_and_from_a_named_step(run: RunFlow, alice: User, target: Target) -> None:
    failed = run(FAILING)
    again = finish(rerun(execution=failed.execution, user=alice, source=Source.API))
    assert again.statuses == {"first": "SUCCESS", "second": "SUCCESS", "third": "SUCCESS"}
    assert target.calls["first"] == 2
    third = finish(rerun(execution=again.execution, user=alice, source=Source.API, from_step="third"))
    assert third.status == "COMPLETED"
    assert target.calls["first"] == 2
    with pytest.raises(RunRefused, match="no step nope"):
        rerun(execution=again.execution, user=alice, source=Source.API, from_step="nope")
    with pytest.raises(RunRefused, match="no step of this execution failed"):
        rerun(execution=again.execution, user=alice, source=Source.API, from_="FAILED")


def test_initial_delay(worker: Worker, team: Team, alice: User, base_url: str) -> None:
    draft = document("steps: [{name: one, stepType: http, meta: {url: '${base_url}/echo'}}]")
    variables = [{"name": "base_url", "value": base_url}]
    execution = start_execution(
        team=team, user=alice, source=Source.API, draft=draft, variables=variables, initial_delay_ms=700
    )
    assert execution.status == "PENDING"
    done = finish(execution)
    assert done.execution.started_at is not None
    waited = (done.execution.started_at - done.execution.created_at).total_seconds()
    assert waited >= 0.64
    assert done.status == "COMPLETED"


def test_an_idempotency_key_gives_the_first_execution(
    worker: Worker, team: Team, alice: User, base_url: str
) -> None:
    draft = document("steps: [{name: one, stepType: delay, meta: {delayMs: 1}}]")
    given = [{"name": "base_url", "value": base_url}]
    runs = [
        start_execution(
            team=team, user=alice, source=Source.API, draft=draft, variables=given, idempotency_key="k1"
        )
        for _ in range(2)
    ]
    assert runs[0].pk == runs[1].pk


def test_a_run_with_bad_variables_is_refused_whole(team: Team, alice: User) -> None:
    draft = document(
        "variables: [{name: n, type: integer}, {name: must, type: string, required: true}]\n"
        "steps: [{name: one, stepType: delay, meta: {delayMs: 1}}]"
    )
    given: list[dict[str, Any]] = [{"name": "n", "value": "many"}, {"name": "nn", "value": 1}]
    with pytest.raises(RunRefused) as refusal:
        start_execution(team=team, user=alice, source=Source.API, draft=draft, variables=given)
    assert {(problem.place, problem.code) for problem in refusal.value.problems} == {
        ("variables.0.value", "wrong_type"),
        ("variables.1.name", "unknown"),
        ("variables.must", "required"),
        ("variables.base_url", "required"),
    }
    assert not Execution.objects.exists()


RETRYING = """
steps:
  - name: slow
    stepType: http
    meta: {url: '${base_url}/slow?ms=3000&key=slow'}
    %s
  - {name: clean, stepType: http, meta: {url: '${base_url}/echo'}, alwaysRun: true}
"""


def test_a_step_that_lost_its_worker_is_interrupted(start: StartFlow, worker: Worker) -> None:
    execution = start(RETRYING % "")
    until_step(execution, "slow", "IN_PROGRESS")
    worker.kill()
    worker.start()
    done = finish(execution)
    assert done.statuses == {"slow": "ERROR", "clean": "SUCCESS"}
    assert done["slow"].error["code"] == "interrupted"


def test_a_step_with_a_retry_policy_runs_again(start: StartFlow, worker: Worker, target: Target) -> None:
    execution = start(RETRYING % "retry: {maxRetries: 2, initialDelayMs: 10}")
    for _ in range(1_000):
        if target.calls["slow"]:
            break
        time.sleep(0.02)
    worker.kill()
    worker.start()
    done = finish(execution)
    assert done.statuses == {"slow": "SUCCESS", "clean": "SUCCESS"}
    history = [(each.number, each.status) for each in done["slow"].attempt_history.all()]
    assert history == [(1, "ERROR"), (2, "SUCCESS")]
    assert target.calls["slow"] == 2


def test_a_wait_survives_its_worker(start: StartFlow, worker: Worker) -> None:
    execution = start("steps: [{name: wait, stepType: delay, meta: {delayMs: 2500}}]")
    until_step(execution, "wait", "WAITING")
    worker.kill()
    worker.start()
    done = finish(execution)
    assert done.status == "COMPLETED"
