"""The pages, row by row; and that neither they nor the API take a session's POST from elsewhere."""

from __future__ import annotations

import pytest

from tests.matrix import api_rows, page_rows
from tests.matrix.actors import VISITORS, Asker, World, switch_off
from tests.matrix.ranks import Rank
from tests.matrix.rows import SIGN_IN
from tests.matrix.walk import ask, problems_of


@pytest.mark.parametrize("name", VISITORS)
def test_everybody_gets_what_the_row_says(world: World, name: str) -> None:
    actor = world.actors[name]
    asker = Asker(actor, by_session=True)
    switch_off(world)
    problems = problems_of(asker, actor, page_rows.ROWS, world.seen_by(actor), no_login=SIGN_IN)
    assert not problems, "\n" + "\n".join(problems)


def test_a_token_opens_no_page(world: World) -> None:
    asker = Asker(world.actors["owner"], by_session=False)
    rows = [row for row in page_rows.ROWS if row.least > Rank.ANYBODY]
    problems = problems_of(
        asker, world.actors["anonymous"], rows, {"acme": world.tenants["acme"]}, no_login=SIGN_IN
    )
    assert not problems, "\n" + "\n".join(problems)


def test_a_form_of_another_site_is_refused(world: World) -> None:
    asker = Asker(world.actors["owner"], by_session=True, checks_csrf=True)
    rows = [*page_rows.ROWS, *(row for row in api_rows.ROWS if row.least > Rank.ANYBODY)]
    wrong = {
        str(row): response.status_code
        for row in rows
        if row.method != "GET"
        if (response := ask(asker, row, world.tenants["acme"])).status_code != 403
    }
    assert not wrong
