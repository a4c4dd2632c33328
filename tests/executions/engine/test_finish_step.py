"""Whether a finished step's response is short; the ends themselves are tested through the engine."""

from __future__ import annotations

from typing import Any

import pytest

from executions.engine.finish_step import _is_short
from executions.presentation import LARGEST_RESPONSE
from executions.statements.step import Change


@pytest.mark.parametrize(
    ("columns", "length", "short"),
    [
        ({"response": {"a": 1}}, 8, True),
        ({"response": {"a": 1}}, LARGEST_RESPONSE + 1, False),
        ({}, 0, False),  # of an earlier attempt: its length was not seen
    ],
)
def test_a_response_is_short_only_if_written_now(columns: dict[str, Any], length: int, short: bool) -> None:
    assert _is_short(Change(columns, length)) is short
