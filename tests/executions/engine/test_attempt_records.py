"""What is stored of an attempt."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Team
from executions.engine import attempt_records as records
from executions.models import ExecutionStep, StepAttempt
from steprunners.documents.envelope import StepEnvelope
from steprunners.lifecycle.attempts import Attempt
from steprunners.masking.masker import Masker
from steprunners.references.resolution import MASK
from tests.executions.rows import make_attempt, make_execution, make_step

SECRET = "s3cr3t-value"


def attempt(**fields: Any) -> Attempt:
    return Attempt("SUCCESS", 1_700_000_000_000, 1_700_000_000_250, **fields)


def envelope(**extract: Any) -> StepEnvelope:
    return StepEnvelope.model_validate({"name": "a", "stepType": "http", "extract": extract})


def test_secrets_are_masked_and_a_whole_copy_kept() -> None:
    error = {"code": "x", "message": f"no {SECRET}"}
    kept = records.stored(
        attempt(
            request={"k": SECRET}, result={"body": SECRET}, error=error, assertions=[{"actualValue": SECRET}]
        ),
        Masker({SECRET}),
    )
    assert (kept.response, kept.whole_response) == ({"body": MASK}, {"body": SECRET})
    assert SECRET not in str([kept.request, kept.response, kept.error, kept.assertions])


def test_outcomes_are_masked_one_by_one_where_one_is_too_deep() -> None:
    deep: Any = []
    for _ in range(200_000):
        deep = [deep]
    outcomes: list[dict[str, Any]] = [{"actualValue": deep}, {"actualValue": SECRET}, {"actualValue": 1}]
    kept = records.stored(attempt(assertions=outcomes), Masker({SECRET}))
    assert kept.assertions == [MASK, {"actualValue": MASK}, {"actualValue": 1}]


def test_an_attempts_row_holds_every_column() -> None:
    step = ExecutionStep()
    row = records.attempt_row(step, attempt(item=2), records.stored(attempt(), Masker(())), 3)
    assert {each.attname for each in StepAttempt._meta.concrete_fields} <= set(row.__dict__)
    assert (row.step_id, row.number, row.item, row.duration_ms) == (step.pk, 3, 2, 250)


def test_no_copy_where_nothing_was_masked() -> None:
    kept = records.stored(attempt(result={"body": 1}), Masker({SECRET}))
    assert (kept.response, kept.whole_response, kept.cut_paths) == ({"body": 1}, None, None)


def test_a_long_result_is_cut_and_says_where() -> None:
    kept = records.stored(attempt(result={"body": "x" * 3_000_000, "status": 200}), Masker(set()))
    assert len(str(kept.response)) < 1_100_000
    assert kept.cut_paths
    assert isinstance(kept.response, dict)
    assert kept.response["status"] == 200


def test_extracts_that_hold_a_secret_are_secret() -> None:
    step = envelope(a="x", b={"path": "x", "secret": True}, c="x")
    shown, secret = records.extracts(
        step, attempt(extracted={"a": 1, "b": 2, "c": [SECRET]}), Masker({SECRET})
    )
    assert (shown, secret) == ({"a": 1}, {"b": 2, "c": [SECRET]})


def test_an_attempt_s_row() -> None:
    kept = records.stored(attempt(), Masker(set()))
    row = records.attempt_row(ExecutionStep(name="a"), attempt(item=3, waited_ms=40), kept, 2)
    assert (row.number, row.item, row.duration_ms, row.waited_ms, row.status) == (2, 3, 250, 40, "SUCCESS")


@pytest.mark.parametrize(
    ("outcomes", "kept"),
    [
        ("FFFFF", [1, 5]),
        ("FFEEF", [1, 3, 5]),
        ("FE", [1, 2]),
        ("FEFEF", [1, 2, 3, 4, 5]),
    ],
)
def test_dull_attempts_lose_their_responses(driven: None, team: Team, outcomes: str, kept: list[int]) -> None:
    step = make_step(make_execution(team))
    for number, letter in enumerate(outcomes, start=1):
        status = {"F": "FAILED", "E": "ERROR"}[letter]
        row = make_attempt(step, number, status=status, response={"n": number})
        records.thin_out(step, [row])
    found = StepAttempt.objects.filter(step=step, response__isnull=False).order_by("number")
    assert [row.number for row in found] == kept


def test_at_most_twenty_responses_are_kept(driven: None, team: Team) -> None:
    step = make_step(make_execution(team))
    for number in range(1, 61):
        row = make_attempt(step, number, status=("FAILED", "ERROR")[number % 2], response={"n": 1})
        records.thin_out(step, [row])
    found = StepAttempt.objects.filter(step=step, response__isnull=False).values_list("number", flat=True)
    assert len(found) <= records.MOST_RESPONSES
    assert {1, 60} <= set(found)
