"""A step is claimed once, and only its newest claim can end or park it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Team
from executions import statements
from executions.engine.progress import cancel_open_steps
from executions.models import Execution, ExecutionStep
from executions.statements.step import STAY, Change
from tests.executions.driving import begin, delay, step_of
from tests.executions.statements.claimed import begun, claimed, end, now
from tests.executions.sweeping import due_step


def test_a_claim_takes_the_step_and_numbers_the_update(driven: None, team: Team) -> None:
    execution = begun(team)
    moved = statements.step.claim(execution.pk, 0, "me")
    assert moved is not None
    step, after = moved
    assert (step.status, step.owner, step.fence, after.sequence) == ("IN_PROGRESS", "me", 1, 2)
    assert step.started_at is not None
    assert step.look_at is not None
    assert statements.step.claim(execution.pk, 0, "you") is None
    assert now(execution).sequence == 2


@pytest.mark.parametrize("position", [1, 7])
def test_only_the_step_at_the_cursor_is_claimed(driven: None, team: Team, position: int) -> None:
    assert statements.step.claim(begun(team).pk, position, "me") is None


def test_nothing_is_claimed_before_the_execution_has_begun(driven: None, team: Team) -> None:
    assert statements.step.claim(begin(team, [delay("a")]).pk, 0, "me") is None


def test_a_background_step_is_claimed_once_it_is_released(driven: None, team: Team) -> None:
    execution = begun(team, delay("a"), delay("b", runInBackground=True), delay("c"))
    assert statements.step.claim(execution.pk, 1, "me") is None
    assert statements.next_steps.release(execution.pk, [1]) == [1]
    assert claimed(execution, 1).name == "b"


def test_nothing_but_clean_up_is_claimed_after_a_cancel(driven: None, team: Team) -> None:
    execution = begun(team, delay("a"), delay("x", alwaysRun=True))
    statements.cancel.request(execution.pk)
    assert statements.step.claim(execution.pk, 0, "me") is None
    cancel_open_steps(execution.pk)
    assert claimed(execution, 1).name == "x"


def test_a_second_cancel_ends_clean_up_too(driven: None, team: Team) -> None:
    execution = begun(team, delay("a"), delay("x", alwaysRun=True))
    statements.cancel.request(execution.pk)
    statements.cancel.request(execution.pk)
    cancel_open_steps(execution.pk)
    done = now(execution)
    assert (done.status, step_of(done, "x").status) == ("CANCELLED", "CANCELLED")


def look_in(execution: Execution, seconds: float) -> None:
    at = timezone.now() + timedelta(seconds=seconds)
    Execution.objects.filter(pk=execution.pk).update(look_at=at)


@pytest.mark.parametrize(("seconds", "stays"), [(-5, False), (2, False), (900, False), (28, True)])
def test_the_next_look_changes_only_if_too_soon_or_late(
    driven: None, team: Team, seconds: float, *, stays: bool
) -> None:
    """Between: the row changes, and no index of it."""
    execution = begun(team)
    step: ExecutionStep | None = None
    for _ in ("claim", "end"):
        look_in(execution, seconds)
        before = now(execution).look_at
        if step is None:
            step = claimed(execution)
        else:
            assert end(step) is not None
        after = now(execution).look_at
        assert (after == before) is stays
        assert after is not None
        assert 20 < (after - timezone.now()).total_seconds() <= 30.5


@pytest.mark.parametrize(
    ("background", "wait", "seconds", "stays"),
    [(True, 3600, 28, True), (True, 3600, 2, False), (False, 1, 28, True), (False, 3600, 28, False)],
)
def test_a_wait_delays_the_look_at_the_foreground_alone(
    driven: None, team: Team, *, background: bool, wait: float, seconds: float, stays: bool
) -> None:
    """The execution is looked at when its foreground may go on; what waits beside it changes nothing of that."""
    execution = begun(team, delay("a", runInBackground=background), delay("b"))
    step = claimed(execution, 0)
    look_in(execution, seconds)
    before = now(execution).look_at
    assert statements.step.park(step, wait, Change(), {}) is not None
    after = now(execution).look_at
    assert after is not None
    assert (after == before) is stays
    least, most = (20, 30.5) if background else (wait + 20, wait + 30.5)
    assert least < (after - timezone.now()).total_seconds() <= most


def test_a_stale_token_changes_nothing(driven: None, team: Team) -> None:
    execution = begun(team)
    frozen = claimed(execution)
    due_step(frozen)
    (taken,) = statements.leases.take_lost(9, "me")
    before = (step_of(execution, "a").status, now(execution).sequence, now(execution).remaining)
    assert end(frozen) is None
    assert statements.step.park(frozen, 1, Change(), {}) is None
    assert statements.leases.take_lost(9, "me") == []
    assert (step_of(execution, "a").status, now(execution).sequence, now(execution).remaining) == before
    assert end(taken) is not None


def test_a_step_ends_once(driven: None, team: Team) -> None:
    step = claimed(begun(team))
    moved = end(step, "FAILED")
    assert moved is not None
    ended, execution = moved
    assert (ended.status, ended.look_at, execution.remaining, execution.failed) == ("FAILED", None, 1, True)
    assert end(step) is None


def test_the_first_failure_is_kept(driven: None, team: Team) -> None:
    execution = begun(team, delay("a", runInBackground=True), delay("b", runInBackground=True))
    for position, name in ((1, "b"), (0, "a")):
        change = Change({"error": {"code": "x", "message": f"of {name}"}})
        statements.step.end(claimed(execution, position), "ERROR", change, cursor=STAY, attempt=None)
    assert now(execution).failure == {"code": "step_error", "message": "b: of b", "step": "b"}


def test_a_wait_is_claimed_when_it_is_due(driven: None, team: Team) -> None:
    execution = begun(team)
    assert statements.step.park(claimed(execution), 60, Change(), {"retries": 1}) is not None
    assert statements.step.claim(execution.pk, 0, "me") is None
    assert statements.next_steps.wake(execution.pk, 0)
    again = claimed(execution)
    assert (again.state, again.fence, again.due_at) == ({"retries": 1}, 2, None)
    assert not statements.next_steps.wake(execution.pk, 0)


def test_no_wait_begins_after_a_cancel(driven: None, team: Team) -> None:
    execution = begun(team)
    step = claimed(execution)
    statements.cancel.request(execution.pk)
    assert statements.step.park(step, 1, Change(), {}) is None
