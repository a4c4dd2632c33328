"""Skipped steps are counted off, and released ones are not skipped."""

from __future__ import annotations

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
