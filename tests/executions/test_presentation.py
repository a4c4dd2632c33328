"""The shapes of contract section 7, key by key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Team
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.presentation import (
    LARGEST_RESPONSE,
    attempt_json,
    execution_json,
    milliseconds,
    step_json,
)
from executions.states import ExecutionStatus, StepStatus
from tests.executions.rows import START

EXECUTION_KEYS = """
    id flowId flowName flowVersion teamId status steps variables labels source userId environmentId
    parentExecutionId testSuiteExecutionId rerunOf error sequence createdAt startedAt completedAt
    cancelRequestedAt durationMs resultsRemovedAt
"""
STEP_KEYS = """
    id flowStepId name stepType position status attempts background alwaysRun startedAt completedAt nextAt
    durationMs request response responseOmitted resultTruncated reused assertions extracted error
"""
ATTEMPT_KEYS = (
    "number item status startedAt completedAt durationMs waitedMs request response assertions error"
)


def execution(**fields: Any) -> Execution:
    return Execution(team=Team(), created_at=START, **fields)


def step(**fields: Any) -> ExecutionStep:
    return ExecutionStep(execution=execution(), position=0, name="a", **fields)


def test_execution_keys_in_the_order_of_the_contract() -> None:
    assert list(execution_json(execution(), steps=[step()])) == EXECUTION_KEYS.split()
    assert "steps" not in execution_json(execution())


def test_execution_of_nothing_else() -> None:
    shown = execution_json(execution())
    for key in (
        "flowId",
        "flowVersion",
        "userId",
        "environmentId",
        "parentExecutionId",
        "rerunOf",
        "startedAt",
    ):
        assert shown[key] is None
    assert shown["status"] == "PENDING"
    assert type(shown["status"]) is str


def test_times_are_integer_milliseconds() -> None:
    ended = execution(
        status=ExecutionStatus.COMPLETED,
        started_at=START,
        completed_at=START + timedelta(milliseconds=1500),
        duration_ms=1500,
    )
    shown = execution_json(ended)
    assert shown["startedAt"] == 1_795_348_800_123
    assert shown["completedAt"] - shown["startedAt"] == 1500 == shown["durationMs"]


@given(st.integers(min_value=0, max_value=4_102_444_800_000), st.integers(min_value=0, max_value=999))
def test_milliseconds_is_exact(ms: int, microseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms, microseconds=microseconds)
    assert milliseconds(moment) == ms


def test_step_keys() -> None:
    assert list(step_json(step())) == STEP_KEYS.split()


@pytest.mark.parametrize("status", list(StepStatus))
def test_next_at_only_while_it_waits(status: StepStatus) -> None:
    shown = step_json(step(status=status, due_at=START))
    assert (shown["nextAt"] is not None) == (status == StepStatus.WAITING)


@pytest.mark.parametrize(("length", "omitted"), [(LARGEST_RESPONSE, False), (LARGEST_RESPONSE + 1, True)])
def test_large_response_is_left_out(length: int, omitted: bool) -> None:
    large = step(response="x" * (length - 2))  # two quotes
    shown = step_json(large)
    assert shown["responseOmitted"] is omitted
    assert (shown["response"] is None) is omitted
    whole = step_json(large, whole=True)
    assert whole["response"] == large.response
    assert whole["responseOmitted"] is False


def test_cut_result_says_so() -> None:
    assert step_json(step(cut_paths=["body"]))["resultTruncated"] is True
    assert step_json(step())["resultTruncated"] is False


def test_attempt_keys() -> None:
    attempt = StepAttempt(
        step=step(),
        number=1,
        status="ERROR",
        started_at=START,
        completed_at=START,
        duration_ms=3,
        waited_ms=7,
    )
    shown = attempt_json(attempt)
    assert list(shown) == ATTEMPT_KEYS.split()
    assert (shown["number"], shown["durationMs"], shown["waitedMs"], shown["item"]) == (1, 3, 7, None)


@pytest.mark.django_db
def test_asks_no_database(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        execution_json(execution(), steps=[step(), step(response={"status": 200})])
