"""Running one statement with named parameters."""

from __future__ import annotations

import uuid

from accounts.models import Team
from executions.models import Execution
from executions.statements.database.dialect import EXECUTION, STEP, key
from executions.statements.database.rows import EXECUTION_ROW, STEP_ROW
from executions.statements.database.statement import execute, instance, instances, is_any
from tests.executions.rows import make_execution, make_step

RENUMBER = f"UPDATE {EXECUTION} SET sequence = %(sequence)s WHERE id = %(id)s"  # noqa: S608  # our own constants
ANY = f"SELECT 1 FROM {EXECUTION} WHERE sequence = %(sequence)s"  # noqa: S608  # our own constants


def test_a_returned_row_is_the_row_that_the_orm_gives(driven: None, team: Team) -> None:
    execution = make_execution(team, labels=["a", "b"], secrets={"variables": {"k": "v\0"}}, pins={"x": 1})
    make_step(execution, state={"k": [1, "\ud800"]}, response={"n": 2**70})
    text = f"{RENUMBER} RETURNING {EXECUTION_ROW}"
    returned = instance(EXECUTION_ROW, text, {"id": key(execution.pk), "sequence": 7})
    fresh = Execution.objects.get(pk=execution.pk)
    assert (fresh.sequence, returned) == (7, fresh)
    for field in Execution._meta.concrete_fields:
        assert getattr(returned, field.attname) == getattr(fresh, field.attname), field.attname
    text = f"UPDATE {STEP} SET looks = 3 WHERE execution_id = %(id)s RETURNING {STEP_ROW}"  # noqa: S608  # as above
    (step,) = instances(STEP_ROW, text, {"id": key(execution.pk)})
    assert (step.state, step.response, step.looks) == ({"k": [1, "\ud800"]}, {"n": 2**70}, 3)


def test_a_row_that_is_not_there_is_none(driven: None) -> None:
    text = f"{RENUMBER} RETURNING {EXECUTION_ROW}"
    assert instance(EXECUTION_ROW, text, {"id": key(uuid.uuid4()), "sequence": 7}) is None


def test_changed_rows_are_counted(driven: None, team: Team) -> None:
    pk = make_execution(team).pk
    assert execute(RENUMBER, {"id": key(pk), "sequence": 5}) == 1
    assert execute(RENUMBER, {"id": key(uuid.uuid4()), "sequence": 5}) == 0


def test_more_parameters_than_the_text_names_are_ignored(driven: None, team: Team) -> None:
    make_execution(team, sequence=5)
    assert is_any(ANY, {"sequence": 5, "unused": None})
    assert not is_any(ANY, {"sequence": 6})
