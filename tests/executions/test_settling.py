"""What is told of a step's end; the ends themselves are tested through the engine."""

from __future__ import annotations

from typing import Any

import pytest

from executions.moves import Change
from executions.presentation import LARGEST_RESPONSE
from executions.settling import _is_short


@pytest.mark.parametrize(
    ("columns", "length", "short"),
    [
        ({"response": {"a": 1}}, 8, True),
        ({"response": {"a": 1}}, LARGEST_RESPONSE + 1, False),
        ({}, 0, False),  # of an earlier attempt: how long it is was not seen
    ],
)
def test_a_response_is_known_to_be_short_where_it_was_written_now(
    columns: dict[str, Any], length: int, short: bool
) -> None:
    assert _is_short(Change(columns, length)) is short
