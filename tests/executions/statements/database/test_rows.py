"""Rows of the engine's statements as models, and back."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from accounts.models import Team, new_id
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.statements.database import dialect
from executions.statements.database.rows import shape_of, to_database, unsaved, writers_of
from tests.executions.rows import make_attempt, make_execution, make_step


def test_a_shape_has_its_fields_in_the_model_s_order() -> None:
    shape = shape_of(Execution, frozenset({"team", "id", "status"}), without=frozenset({"status"}))
    assert (shape.columns, shape.attributes) == (("id", "team_id"), ("id", "team_id"))
    assert shape.listed("e.") == 'e."id", e."team_id"'


def test_what_was_not_read_is_loaded_when_it_is_asked_for(db: None, team: Team) -> None:
    execution = make_execution(team, labels=["smoke"])
    known = shape_of(Execution, frozenset({"id"})).instance([dialect.key(execution.pk)])
    assert known.labels == ["smoke"]


def test_a_renewed_copy_leaves_the_first_alone(db: None, team: Team) -> None:
    before = make_execution(team)
    after = shape_of(Execution, frozenset({"sequence"})).renewed(before, [7], {"failed": True})
    assert (before.sequence, before.failed) == (0, False)
    assert (after.pk, after.sequence, after.failed) == (before.pk, 7, True)


@pytest.mark.parametrize("text", ["[]", "{}", '[["a", 1]]', '"\\u0000"', "null"])
def test_json_is_read_as_ever_and_never_shared(db: None, text: str) -> None:
    shape = shape_of(ExecutionStep, frozenset({"extracted"}))
    first, second = shape.instance([text]).extracted, shape.instance([text]).extracted
    assert first == second == json.loads(text)
    assert first is not second or first is None or isinstance(first, str)


def test_an_unsaved_row_is_saved_like_any_other(db: None, team: Team) -> None:
    step = make_step(make_execution(team))
    like = make_attempt(step)
    values = {each.attname: getattr(like, each.attname) for each in StepAttempt._meta.concrete_fields}
    made = unsaved(StepAttempt, {**values, "id": new_id(), "number": 2})
    StepAttempt.objects.bulk_create([made])
    stored = StepAttempt.objects.get(pk=made.pk)
    assert (stored.step, stored.number, stored.started_at) == (step, 2, like.started_at)


def test_values_are_written_as_the_orm_writes_them(db: None, team: Team) -> None:
    step = make_step(make_execution(team), response={"n": "\0"}, due_at=timezone.now())
    stored = ExecutionStep.objects.get(pk=step.pk)
    writers = writers_of(ExecutionStep)
    assert set(writers) == {each.name for each in ExecutionStep._meta.concrete_fields}
    shape = shape_of(ExecutionStep, without=frozenset({"state", "whole_response", "secret_extracts"}))
    fields = [each for each in ExecutionStep._meta.concrete_fields if each.attname in shape.attributes]
    again = shape.instance([to_database(each, getattr(stored, each.attname)) for each in fields])
    for each in fields:
        if each.name != "due_at":  # SQLite's driver reads times itself
            assert getattr(again, each.attname) == getattr(stored, each.attname), each.name
