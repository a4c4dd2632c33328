"""Tests of `executions.statements.insert`: what it writes is what Django writes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from accounts.models import Team, User, new_id
from executions.models import Execution, ExecutionStep
from executions.statements.insert import insert
from tests.executions.rows import START, make_execution, make_step


def columns(model: type[models.Model], pk: Any) -> dict[str, Any]:
    """Return the row; what is encrypted is another text each time, so only whether it is there."""
    row: dict[str, Any] = model._default_manager.values().get(pk=pk)
    return {name: value is not None if name in ENCRYPTED else value for name, value in row.items()}


ENCRYPTED = {"secrets", "state", "whole_response", "secret_extracts"}


def execution_of(team: Team, user: User) -> dict[str, Any]:
    return {
        "team": team, "user": user, "flow_name": "Grüße", "labels": ["a\x00b"], "created_at": START,
        "look_at": timezone.now(), "secrets": {"variables": {"key": "s3cr3t"}}, "cursor": 0, "remaining": 70_000,
        "initial_delay_ms": 2**40, "draft": {"n": 2**70, "x": None}, "idempotency_key": "k",
    }  # fmt: skip


STEP = {
    "position": 0, "name": "a", "flow_step_id": "a", "step_type": "http", "definition": {"meta": {"n": 1.5}},
    "needs": [[0, True]], "end_position": 3, "next_position": None, "branches": {"0": [1, 2, None, []]},
    "whole_response": {"whole": "text"}, "status": "SUCCESS", "completed_at": START, "branch": -1,
}  # fmt: skip


def test_rows_are_those_that_django_writes(team: Team, alice: User) -> None:
    fields = execution_of(team, alice)
    ours, djangos = Execution(**fields), Execution(**{**fields, "idempotency_key": "other"})
    insert([ours])
    djangos.save(force_insert=True)
    steps = [ExecutionStep(execution=each, **STEP) for each in (ours, djangos)]
    insert(steps[:1])
    steps[1].save(force_insert=True)
    differ = {"id", "execution_id", "idempotency_key"}
    for mine, theirs in ((ours, djangos), tuple(steps)):
        left, right = columns(type(mine), mine.pk), columns(type(theirs), theirs.pk)
        assert {key for key in left if left[key] != right[key]} <= differ
    assert ExecutionStep.objects.get(pk=steps[0].pk).whole_response == {"whole": "text"}


def test_an_inserted_row_can_be_saved_again(team: Team, alice: User) -> None:
    execution = make_execution(team)
    step = ExecutionStep(execution=execution, **STEP)
    insert([step])
    step.name = "b"
    step.save()
    assert [each.name for each in execution.steps.all()] == ["b"]


def test_what_is_encrypted_is_taken_over_as_it_is(team: Team) -> None:
    execution = make_execution(team)
    first = make_step(execution, whole_response={"secret": 1})
    sealed = ExecutionStep.objects.values_list("whole_response", flat=True)
    again = ExecutionStep.objects.get(pk=first.pk)
    again.pk, again.position = new_id(), 1
    insert([again])
    assert sealed.get(pk=again.pk) == sealed.get(pk=first.pk)


def test_a_thousand_rows_and_none(team: Team) -> None:
    execution = make_execution(team)
    insert([])
    insert([ExecutionStep(execution=execution, **{**STEP, "position": n}) for n in range(1_000)])
    assert execution.steps.count() == 1_000


def test_what_the_database_refuses_is_told(team: Team, alice: User) -> None:
    execution = make_execution(team)
    twice = [ExecutionStep(execution=execution, **STEP) for _ in range(2)]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(twice)
    assert not execution.steps.exists()
