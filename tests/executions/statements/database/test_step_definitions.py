"""Definitions are parsed once for all rows that hold the same text."""

from __future__ import annotations

import json

from accounts.models import Team
from executions import statements
from executions.statements.database import step_definitions
from executions.statements.database.step_definitions import Definition, envelope_of, parse
from tests.executions.driving import begin, delay

STEP = {"name": "a", "stepType": "delay", "meta": {"delayMs": 5}}


def test_the_same_text_gives_the_same_envelope() -> None:
    text = json.dumps(STEP)
    assert parse(text) == STEP
    assert envelope_of(parse(text)) is envelope_of(parse(text))
    assert envelope_of(parse(text)).name == "a"


def test_long_texts_are_not_kept() -> None:
    text = json.dumps({**STEP, "description": "x" * step_definitions.MAX_CACHED_LENGTH})
    assert parse(text) is not parse(text)


def test_a_row_that_the_orm_gave() -> None:
    assert envelope_of(STEP).meta == {"delayMs": 5}


def test_a_claimed_step_has_one(driven: None, team: Team) -> None:
    execution = begin(team, [delay("a")])
    statements.execution.begin(execution.pk)
    moved = statements.step.claim(execution.pk, 0, "me")
    assert moved is not None
    assert isinstance(moved[0].definition, Definition)
