"""Transitions of many threads at once, on the real database with real commits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Team
from executions import statements
from executions.engine.progress import cancel_open_steps
from executions.models import Execution, ExecutionStep
from executions.statements.database import locks
from executions.statements.step import Change, CursorMove
from executions.statements.transition import StepAndExecution
from tests.executions.driving import at_once, delay, step_of
from tests.executions.rows import make_execution
from tests.executions.statements.claimed import ALL_RANGES, begun, claimed, end, now

#: How many connections to this database wait for a lock. Other databases of the server are other tests' own, and a
#: connection that waits holds locks on tables of its database.
WAITING = """
    SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN (
        SELECT pid FROM pg_locks
        WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""


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
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0]) > 0


def test_finishers_at_once_leave_no_gap_and_one_completes(alone: None, team: Team) -> None:
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


def test_a_cancel_and_a_failing_step_do_not_deadlock(alone: None, team: Team) -> None:
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


def test_a_claim_and_a_wake_up_do_not_deadlock(alone: None, team: Team) -> None:
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
            cursor.execute(WAITING)
            row = cursor.fetchone()
        if row is not None and row[0]:
            break
        threading.Event().wait(0.02)


def test_one_thread_of_a_process_waits_in_the_database(
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
            cursor.execute(WAITING)
            most = max(most, *cursor.fetchone())
    return most
