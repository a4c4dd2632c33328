"""Skipped steps are counted off, and released ones are not skipped."""

from __future__ import annotations

import pytest

from accounts.models import Team
from executions import statements
from tests.executions.driving import delay
from tests.executions.statements.claimed import ALL_RANGES, begun, claimed


def test_skipping_counts_off_what_it_skipped(driven: None, team: Team) -> None:
    execution = begun(team, delay("a"), delay("b"), delay("c"), delay("x", alwaysRun=True), delay("d"))
    claimed(execution)
    skipped = statements.next_steps.skip(execution.pk, [(1, 1), (3, 9)])
    assert skipped is not None
    steps, after = skipped
    assert [step.name for step in steps] == ["b", "x", "d"]
    assert (after.remaining, after.sequence) == (4 - 2, 2 + 3)  # clean-up does not count in this phase
    assert statements.next_steps.skip(execution.pk, [(1, 1), (3, 9)]) is None
    assert statements.next_steps.skip(execution.pk, []) is None


def test_skipping_one_phase(driven: None, team: Team) -> None:
    execution = begun(team, delay("a"), delay("x", alwaysRun=True))
    skipped = statements.next_steps.skip(execution.pk, ALL_RANGES, clean_up=False)
    assert skipped is not None
    assert [step.name for step in skipped[0]] == ["a"]


def test_a_released_background_step_is_not_skipped(driven: None, team: Team) -> None:
    execution = begun(team, delay("a", runInBackground=True), delay("b"))
    skipped = statements.next_steps.skip(execution.pk, ALL_RANGES)
    assert skipped is not None
    assert [step.name for step in skipped[0]] == ["b"]


@pytest.mark.parametrize(("requests", "main", "clean_up"), [
    (0, "SKIPPED", "SKIPPED"), (1, "CANCELLED", "SKIPPED"), (2, "CANCELLED", "CANCELLED"),
])  # fmt: skip
def test_a_requested_cancel_makes_skipped_steps_cancelled(
    driven: None, team: Team, requests: int, main: str, clean_up: str
) -> None:
    execution = begun(team, delay("a"), delay("b"), delay("c", alwaysRun=True))
    claimed(execution)
    for _ in range(requests):
        statements.cancel.request(execution.pk)
    for is_clean_up, status in ((False, main), (True, clean_up)):
        skipped = statements.next_steps.skip(execution.pk, ALL_RANGES, clean_up=is_clean_up)
        assert skipped is not None
        assert [step.status for step in skipped[0]] == [status]


def test_a_branch_that_is_not_taken_is_skipped_despite_a_cancel(driven: None, team: Team) -> None:
    execution = begun(team)
    claimed(execution)
    statements.cancel.request(execution.pk)
    skipped = statements.next_steps.skip(execution.pk, ALL_RANGES)
    assert skipped is not None
    assert [step.status for step in skipped[0]] == ["SKIPPED"]
