"""A lost key in the engine: the step that needs the secret says so, everything else goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team
from executions import statements
from executions.engine import run_step as engine
from executions.engine.recovery import recover_step
from executions.models import Execution, ExecutionStep
from resources.models import Resource
from tests.executions.driving import begin, choice, delay, drive, statuses, step_of
from tests.executions.sweeping import recover_lost_steps
from tests.resources.keys import UseKeys

SECRET: dict[str, Any] = {"name": "key", "secret": True, "defaultValue": "a secret of some length"}
CODE = "secret_unreadable"


@pytest.fixture(autouse=True)
def _driven(driven: None) -> None:
    pass


def code_of(execution: Execution, name: str) -> str | None:
    return (step_of(execution, name).error or {}).get("code")


def test_a_resource_that_cannot_be_read_ends_its_step_alone(team: Team, use_keys: UseKeys) -> None:
    config = {"host": "127.0.0.1", "port": 1}
    Resource.objects.create(
        team=team, name="cache", type="redis", config=config, secrets={"password": "lost one"}
    )
    use_keys()
    redis = {"resourceId": "cache", "operation": "get", "key": "a"}
    steps = [
        {"name": "read", "stepType": "redis", "meta": redis, "continueOnFailure": True},
        delay("after"),
    ]

    execution = drive(begin(team, steps))

    assert statuses(execution) == {"read": "ERROR", "after": "SUCCESS"}
    error = step_of(execution, "read").error
    assert error["code"] == CODE
    assert error["message"].startswith("resource cache: A stored secret cannot be decrypted")


def test_an_execution_whose_secrets_are_lost_ends(team: Team, use_keys: UseKeys) -> None:
    kafka = {"resourceId": "none", "topic": "orders"}  # what it reads is recorded before the first step
    steps = [delay("first"), {"name": "event", "stepType": "kafka_subscribe", "meta": kafka}]
    execution = begin(team, [*steps, delay("tidy", alwaysRun=True)], declared=[SECRET])
    use_keys()

    ended = drive(execution)

    assert ended.status == "FAILED"
    assert (code_of(execution, "first"), code_of(execution, "tidy")) == (CODE, CODE)
    assert statuses(execution)["event"] == "SKIPPED"
    assert ended.error["message"].startswith("first: A stored secret cannot be decrypted")


def test_a_wait_that_cannot_be_read_ends(team: Team, use_keys: UseKeys) -> None:
    execution = drive(begin(team, [delay("wait", ms=600_000)]))
    assert statuses(execution) == {"wait": "WAITING"}
    use_keys()
    statements.next_steps.wake(execution.pk, 0)

    drive(execution)

    assert code_of(execution, "wait") == CODE


def test_a_condition_that_cannot_be_read_ends_after_its_branch(team: Team, use_keys: UseKeys) -> None:
    execution = begin(team, [choice("if", [delay("inner")])])
    engine.run_step(execution.pk, None, begin=True)
    assert statuses(execution) == {"if": "WAITING", "inner": "PENDING"}
    use_keys()

    drive(execution)

    assert statuses(execution) == {"if": "ERROR", "inner": "SUCCESS"}
    assert code_of(execution, "if") == CODE


def lose_worker(execution: Execution) -> ExecutionStep:
    """Leave the first step running, with its lease over."""
    statements.execution.begin(execution.pk)
    moved = statements.step.claim(execution.pk, 0, "a worker that is lost")
    assert moved is not None
    ExecutionStep.objects.filter(pk=moved[0].pk).update(look_at=timezone.now() - timedelta(seconds=1))
    return step_of(execution, "first")


def test_a_lost_step_that_cannot_be_read_ends(team: Team, use_keys: UseKeys) -> None:
    lost = begin(team, [delay("first", retry={"maxRetries": 3})], declared=[SECRET])
    lose_worker(lost)
    use_keys()
    readable = begin(team, [delay("first")], declared=[SECRET])
    lose_worker(readable)

    recover_lost_steps()

    assert code_of(lost, "first") == CODE
    assert statuses(readable) == {"first": "WAITING"}  # a delay is simply carried on


def test_a_row_that_fails_disturbs_no_other(
    team: Team, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (begin(team, [delay("first")]) for _ in range(2))
    bad = lose_worker(first)
    lose_worker(second)

    def fails(step: ExecutionStep) -> None:
        if step.pk == bad.pk:
            raise ValueError("something about this row alone")
        recover_step(step)

    monkeypatch.setattr("executions.worker.lost_workers.recover_step", fails)
    recover_lost_steps()

    assert statuses(first) == {"first": "IN_PROGRESS"}
    assert statuses(second) == {"first": "WAITING"}
    assert "could not be handled" in caplog.text
    assert ExecutionStep.objects.filter(pk=bad.pk, look_at__gt=timezone.now()).exists()
