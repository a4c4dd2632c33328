"""The REST API, row by row."""

from __future__ import annotations

import pytest

from tests.matrix.actors import ACTORS, Asker, World, switch_off
from tests.matrix.api_rows import ROWS
from tests.matrix.walk import problems_of


@pytest.mark.parametrize("name", ACTORS)
def test_everybody_gets_what_the_row_says(world: World, name: str) -> None:
    actor = world.actors[name]
    switch_off(world)
    problems = problems_of(Asker(actor, by_session=False), actor, ROWS, world.seen_by(actor), no_login=401)
    assert not problems, "\n" + "\n".join(problems)
