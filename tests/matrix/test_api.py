"""The REST API, row by row: who gets what, and that it is as the OpenAPI document says."""

from __future__ import annotations

import pytest

from tests.matrix.actors import ACTORS, Asker, World, switch_off
from tests.matrix.api_rows import ROWS
from tests.matrix.openapi import not_as_documented
from tests.matrix.walk import problems_of


@pytest.mark.parametrize("name", ACTORS)
def test_everybody_gets_what_the_row_says(world: World, name: str) -> None:
    actor = world.actors[name]
    switch_off(world)
    asker, seen = Asker(actor, by_session=False), world.seen_by(actor)
    problems = problems_of(asker, actor, ROWS, seen, no_login=401, more=not_as_documented)
    assert not problems, "\n" + "\n".join(problems)
