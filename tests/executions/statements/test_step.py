"""The statements that move a step and its execution, on the real database, many at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Team
from executions import statements
from executions.engine.cancel import AlreadyOver, cancel_execution
from executions.engine.progress import cancel_open_steps, end_phase
from executions.models import Execution, ExecutionStep
from executions.statements.database import locks
from executions.statements.step import STAY, Change, CursorMove
from executions.statements.transition import StepAndExecution
from executions.states import (
    EXECUTION_TERMINAL,
    EXECUTION_TRANSITIONS,
    STEP_TERMINAL,
    STEP_TRANSITIONS,
    ExecutionStatus,
    StepStatus,
)
from tests.executions.driving import at_once, begin, delay, drive, step_of
from tests.executions.rows import make_execution, make_step
from tests.executions.sweeping import due_step

ALL_RANGES = [(0, 100)]


def begun(team: Team, *steps: dict[str, Any]) -> Execution:
    """Return an execution that has begun, its first background steps released."""
    execution = begin(team, steps or [delay("a"), delay("b")])
    started = statements.execution.begin(execution.pk)
    assert started is not None
    statements.next_steps.release(execution.pk, started.release)
    return started


def claimed(execution: Execution, position: int = 0) -> ExecutionStep:
    moved = statements.step.claim(execution.pk, position, "me")
    assert moved is not None
    return moved[0]


def end(step: ExecutionStep, status: str = "SUCCESS", cursor: CursorMove = STAY) -> StepAndExecution | None:
    return statements.step.end(step, status, Change({"attempts": 1}), cursor=cursor, attempt=None)


def now(execution: Execution) -> Execution:
    return Execution.objects.get(pk=execution.pk)


# --- begin and claim ------------------------------------------------------------------------------


def test_begin_happens_once(driven: None, team: Team) -> None:
    execution = begin(team, [delay("a")])
    started = statements.execution.begin(execution.pk)
    assert started is not None
    assert (started.status, started.sequence) == ("IN_PROGRESS", 1)
    assert statements.execution.begin(execution.pk) is None


def test_begin_waits_for_the_initial_delay(driven: None, team: Team) -> None:
    execution = begin(team, [delay("a")], initial_delay_ms=60_000)
    assert statements.execution.begin(execution.pk) is None
    assert now(execution).status == "PENDING"


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
def test_the_next_look_moves_only_where_it_is_too_soon_or_too_late(
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
def test_a_wait_moves_the_next_look_at_the_foreground_alone(
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


# --- the fencing token ----------------------------------------------------------------------------


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


# --- skipping and counting ------------------------------------------------------------------------


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


# --- no move leaves a terminal status -------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(STEP_TERMINAL))
def test_no_move_changes_a_terminal_step(driven: None, team: Team, status: str) -> None:
    execution = make_execution(team, remaining=1, cursor=0)
    step = make_step(execution, status=status, fence=1, background=True)
    every_step_move(execution, step)
    assert ExecutionStep.objects.get(pk=step.pk).status == status


@pytest.mark.parametrize("status", list(StepStatus))
def test_every_move_follows_the_table(driven: None, team: Team, status: StepStatus) -> None:
    for index in range(len(step_moves(make_execution(team), ExecutionStep()))):
        execution = make_execution(team, remaining=1, cursor=0)
        step = make_step(execution, status=status, fence=1, due_at=execution.created_at)
        with transaction.atomic():
            step_moves(execution, step)[index]()
        after = StepStatus(ExecutionStep.objects.get(pk=step.pk).status)
        assert after == status or after in STEP_TRANSITIONS[status], index


def step_moves(execution: Execution, step: ExecutionStep) -> list[Any]:
    return [
        lambda: statements.step.claim(execution.pk, 0, "me"),
        lambda: end(step),
        lambda: end(step, "ERROR"),
        lambda: statements.step.park(step, 1, Change(), {}),
        lambda: statements.leases.take_lost(9, "me"),
        lambda: statements.next_steps.wake(execution.pk, 0),
        lambda: statements.next_steps.wake_awaiting(execution.pk),
        lambda: statements.next_steps.release(execution.pk, [0]),
        lambda: statements.next_steps.skip(execution.pk, ALL_RANGES),
        lambda: statements.cancel.cancel_open_steps(execution.pk, clean_up_too=True),
    ]


def every_step_move(execution: Execution, step: ExecutionStep) -> None:
    for move in step_moves(execution, step):
        with transaction.atomic():
            move()


@pytest.mark.parametrize("status", list(ExecutionStatus))
def test_every_move_of_an_execution_follows_the_table(
    driven: None, team: Team, status: ExecutionStatus
) -> None:
    every = [
        statements.execution.begin, statements.execution.start_clean_up, statements.execution.complete,
        statements.cancel.request, statements.cancel.end_unstarted, cancel_open_steps, end_phase,
    ]  # fmt: skip
    for move in every:
        execution = make_execution(team, status=status)
        move(execution.pk)
        after = ExecutionStatus(now(execution).status)
        assert after == status or after in EXECUTION_TRANSITIONS[status], move
        assert status not in EXECUTION_TERMINAL or now(execution).sequence == execution.sequence


def test_cancelling_what_is_over(driven: None, team: Team) -> None:
    done = drive(begin(team, [delay("a")]))
    with pytest.raises(AlreadyOver):
        cancel_execution(done)


# --- what the database itself refuses -------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "look_at"),
    [("IN_PROGRESS", None), ("WAITING", None), ("SUCCESS", "now"), ("CANCELLED", "now")],
)
def test_a_step_that_nobody_would_look_at_is_refused(
    driven: None, team: Team, status: str, look_at: str | None
) -> None:
    execution = make_execution(team)
    step = make_step(execution, status="PENDING")
    times = {"look_at": execution.created_at if look_at else None}
    with pytest.raises(IntegrityError), transaction.atomic():
        ExecutionStep.objects.filter(pk=step.pk).update(status=status, **times)


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS"])
def test_an_open_execution_that_nobody_would_look_at_is_refused(
    driven: None, team: Team, status: str
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_execution(team, status=status, look_at=None)


# --- at once, with real commits -------------------------------------------------------------------


def test_exactly_one_claim_wins(alone: None, team: Team) -> None:
    execution = begun(team)
    results = at_once(*[lambda: statements.step.claim(execution.pk, 0, "me")] * 6)
    assert sum(result is not None for result in results) == 1
    assert not [result for result in results if isinstance(result, Exception)]
    assert (step_of(execution, "a").fence, now(execution).sequence) == (1, 2)


def test_a_claim_that_waited_for_a_cancel_sees_it(alone: None, team: Team) -> None:
    """The conditions are those of the row that was locked, not of the moment at which the statement began."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    execution, locked = begun(team), threading.Event()

    def cancel() -> None:
        with transaction.atomic():
            statements.execution.lock(execution.pk)
            locked.set()
            assert_soon(somebody_waits)
            Execution.objects.filter(pk=execution.pk).update(cancel_requested_at=timezone.now())

    def claim() -> StepAndExecution | None:
        assert locked.wait(20)
        return statements.step.claim(execution.pk, 0, "me")

    assert at_once(cancel, claim) == [None, None]
    assert step_of(execution, "a").status == "PENDING"


def assert_soon(holds: Callable[[], bool]) -> None:
    end_at = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end_at
        time.sleep(0.02)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0]) > 0


def test_concurrent_finishers_number_without_gaps_and_one_completes(alone: None, team: Team) -> None:
    execution = begun(team, *[delay(f"b{index}", runInBackground=True) for index in range(8)])
    steps = [claimed(execution, index) for index in range(8)]

    def finish(step: ExecutionStep) -> tuple[int, bool]:
        moved = end(step)
        assert moved is not None
        completed = moved[1].remaining == 0 and statements.execution.complete(execution.pk) is not None
        return moved[1].sequence, completed

    results = at_once(*[lambda step=step: finish(step) for step in steps])
    assert sorted(sequence for sequence, _ in results) == list(range(10, 18))
    assert sum(completed for _, completed in results) == 1
    assert (now(execution).status, now(execution).sequence) == ("COMPLETED", 18)


def test_complete_happens_once(alone: None, team: Team) -> None:
    execution = make_execution(team, remaining=0)
    results = at_once(*[lambda: statements.execution.complete(execution.pk)] * 5)
    assert sum(result is not None for result in results) == 1
    assert now(execution).sequence == 1


def test_a_cancel_and_the_end_of_a_failing_step_do_not_deadlock(alone: None, team: Team) -> None:
    execution = begun(team, delay("a"), *[delay(f"s{index}") for index in range(5)])
    step = claimed(execution)
    statements.cancel.request(execution.pk)
    ended = threading.Event()

    def fail() -> None:
        with transaction.atomic():
            end(step, "FAILED", CursorMove(moves=True))
            ended.set()
            _let_the_other_begin()
            statements.next_steps.skip(execution.pk, ALL_RANGES)

    def cancel() -> None:
        ended.wait(10)
        cancel_open_steps(execution.pk)

    assert at_once(fail, cancel) == [None, None]
    assert now(execution).remaining == 0


def test_a_claim_and_the_wake_up_by_a_background_step_do_not_deadlock(alone: None, team: Team) -> None:
    execution = begun(team, delay("b", runInBackground=True), delay("a"))
    background, waiting = claimed(execution, 0), claimed(execution, 1)
    assert statements.step.park(waiting, 0, Change(), {}, awaiting=True) is not None
    ended = threading.Event()

    def finish() -> list[int]:
        with transaction.atomic():
            end(background)
            ended.set()
            _let_the_other_begin()
            return statements.next_steps.wake_awaiting(execution.pk)

    def claim() -> bool:
        ended.wait(10)
        return statements.step.claim(execution.pk, 1, "me") is not None

    woken, won = at_once(finish, claim)
    assert (woken, won) == ([1], True)


def _let_the_other_begin() -> None:
    """Wait until the other connection waits for a lock of this transaction (PostgreSQL), or a moment."""
    for _ in range(100):
        if connection.vendor != "postgresql":
            break
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            row = cursor.fetchone()
        if row is not None and row[0]:
            break
        threading.Event().wait(0.02)


def test_of_many_moves_of_one_execution_one_waits_in_the_database(
    alone: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others wait for that one in this process, where it costs nothing."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks no rows")
    monkeypatch.setattr(locks, "MAX_WAIT_SECONDS", 60.0)
    execution = begun(team, *(delay(f"s{index}", runInBackground=True) for index in range(4)))
    held = threading.Event()

    def hold() -> int:
        with transaction.atomic():
            statements.execution.lock(execution.pk)
            held.set()
            return _most_waiting()

    def claim(position: int) -> bool:
        held.wait(60)
        return statements.step.claim(execution.pk, position, "me") is not None

    assert at_once(hold, *[partial(claim, position) for position in range(4)]) == [1, True, True, True, True]


def _most_waiting() -> int:
    """Return how many connections wait for locks at most, once one does, within a fifth of a second."""
    _let_the_other_begin()
    most = 0
    for _ in range(20):
        threading.Event().wait(0.01)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            most = max(most, *cursor.fetchone())
    return most
