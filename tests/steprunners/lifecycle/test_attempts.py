"""Tests of `steprunners.lifecycle.attempts`: what survives a wait, and attempts that an error ended."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.errors import ConnectionFailed
from steprunners.lifecycle.attempts import Progress, broken
from tests.steprunners.json_strategies import json_values

NOW = 1_700_000_000_000


counts = st.integers(0, 2**53)


progresses = st.builds(
    Progress,
    retries=counts,
    polls=counts,
    until_ends_ms=st.none() | counts,
    attempt_started_ms=st.none() | counts,
    waited_ms=counts,
    park=json_values,
    child=st.none() | st.uuids().map(str),
    branch=st.none() | st.integers(-1, 9),
    branch_failed=st.none() | st.text(max_size=9),
    item=counts,
    items=st.lists(json_values, max_size=3),
    extracted=st.dictionaries(st.text(max_size=5), json_values, max_size=3),
)


@given(progresses)
def test_progress_survives_storage(progress: Progress) -> None:
    assert Progress.from_json(json.loads(json.dumps(progress.to_json()))) == progress


def test_a_fresh_progress_is_empty() -> None:
    assert Progress().to_json() == {}
    assert Progress.from_json(None) == Progress()


@pytest.mark.parametrize(
    ("result", "kept"), [(None, None), ({"scanned": 1}, {"scanned": 1, "durationMs": 5})]
)
def test_broken_keeps_what_is_known(result: Any, kept: Any) -> None:
    attempt = broken(ConnectionFailed("gone", result=result), NOW, NOW + 5)
    assert (attempt.status, attempt.result) == ("ERROR", kept)
