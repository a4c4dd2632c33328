"""Lost workers are found whatever else happens: locks of a frozen one, a broker that is away, a clock that is set."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Team
from executions import statements
from executions.models import Execution, ExecutionStep
from executions.runtime.leases import leases
from executions.runtime.timers import timers
from executions.states import StepStatus
from executions.worker import lost_workers
from executions.worker.lost_workers import LostStepFinder, Reading
from tests.counted import counted
from tests.executions.driving import at_once
from tests.executions.rows import make_execution, make_step
from tests.executions.sweeping import PAST, due_step, recover_lost_steps, running


def status_of(step: ExecutionStep) -> str:
    return str(ExecutionStep.objects.values_list("status", flat=True).get(pk=step.pk))


def seconds_left(step: ExecutionStep) -> float:
    look_at = ExecutionStep.objects.values_list("look_at", flat=True).get(pk=step.pk)
    assert look_at is not None
    return (look_at - timezone.now()).total_seconds()


# --- who takes what -------------------------------------------------------------------------------


def test_two_workers_take_each_lost_step_once(alone: None, team: Team) -> None:
    execution = make_execution(team, remaining=12)
    for position in range(12):
        make_step(execution, position, status=StepStatus.IN_PROGRESS, look_at=timezone.now() - PAST)
    taken = [
        step.position
        for steps in at_once(*[lambda: statements.leases.take_lost(9, "me")] * 3)
        for step in steps
    ]
    assert len(taken) == len(set(taken)) >= 9
    taken += [step.position for step in statements.leases.take_lost(9, "me")]
    assert sorted(taken) == list(range(12))


def test_a_step_that_was_taken_over_has_a_lease(driven: None, team: Team) -> None:
    _, step = running(team)
    (taken,) = statements.leases.take_lost(9, "me")
    assert (taken.losses, taken.owner, taken.fence) == (1, "me", step.fence + 1)
    assert seconds_left(step) > settings.ENGINE_LEASE_SECONDS / 2
    due_step(step)  # and is lost as well
    assert [each.losses for each in statements.leases.take_lost(9, "me")] == [2]


def test_a_check_takes_over_and_recovers_nothing(driven: None, with_effect: None, team: Team) -> None:
    """Whatever settling meets (a broker that does not answer, a lock) holds up no look."""
    _, step = running(team)
    finder = LostStepFinder()
    finder.find()
    assert status_of(step) == "IN_PROGRESS"
    assert [lease.step_id for lease in leases.held()] == [step.pk]  # and is renewed until it is settled
    before = counted("sweeper_actions_total", action="take_back")
    finder.recover_next()
    assert status_of(step) == "ERROR"
    assert leases.held() == []
    assert counted("sweeper_actions_total", action="take_back") == before + 1


# --- locks ----------------------------------------------------------------------------------------


@contextmanager
def holding(lock: Callable[[], object]) -> Iterator[None]:
    """Hold what `lock` locks from another connection, as a worker that froze in the middle of a transaction does."""
    locked, over = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                lock()
                locked.set()
                over.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert locked.wait(20)
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite locks no rows")
def test_a_frozen_worker_s_locks_hold_up_only_its_steps(alone: None, team: Team) -> None:
    execution, held = running(team)
    _, free = running(team)
    finder = LostStepFinder()
    with holding(lambda: statements.execution.lock(execution.pk)):
        recover_lost_steps(finder)
        assert status_of(free) == "WAITING"
        assert status_of(held) == "IN_PROGRESS"
    due_step(held)
    recover_lost_steps(finder)
    assert status_of(held) == "WAITING"


@pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite locks no rows")
def test_a_locked_step_is_recovered_later(alone: None, team: Team) -> None:
    _, step = running(team)
    rows = ExecutionStep.objects.select_for_update().filter(pk=step.pk)
    with holding(lambda: list(rows)):
        assert statements.leases.take_lost(9, "me") == []
    assert len(statements.leases.take_lost(9, "me")) == 1


# --- patience -------------------------------------------------------------------------------------


def test_nothing_is_taken_over_right_after_an_outage(driven: None, with_effect: None, team: Team) -> None:
    _, step = running(team)
    finder = LostStepFinder()
    finder.wait_a_lease()
    recover_lost_steps(finder)
    assert status_of(step) == "IN_PROGRESS"
    assert seconds_left(step) < 0  # others need not be patient
    recover_lost_steps()
    assert status_of(step) == "ERROR"


def test_after_a_failed_check_nothing_is_taken_over(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, step = running(team)
    finder = LostStepFinder()

    def away() -> Reading:
        raise OperationalError("the database is away")

    with monkeypatch.context() as while_away:
        while_away.setattr(lost_workers, "read", away)
        with pytest.raises(OperationalError):
            finder.find()
    recover_lost_steps(finder)
    assert status_of(step) == "IN_PROGRESS"


@pytest.mark.parametrize("raises", [False, True])
def test_a_statement_that_took_too_long_takes_over_nothing(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch, raises: bool
) -> None:
    """As on SQLite, while another process has its file locked: nobody could renew a lease meanwhile."""
    _, step = running(team)
    finder, take, began = LostStepFinder(), statements.leases.take_lost, time.monotonic()

    def late(most: int, owner: str) -> list[ExecutionStep]:
        if raises:
            raise OperationalError("database is locked")
        time.sleep(settings.ENGINE_LEASE_SECONDS / 2 + 0.1)
        return take(most, owner)

    with monkeypatch.context() as locked:
        locked.setattr(statements.leases, "take_lost", late)
        locked.setattr(settings, "ENGINE_LEASE_SECONDS", 0.2)
        with suppress(OperationalError):
            finder.find()
    assert finder.is_idle
    assert seconds_left(step) < 0
    assert finder._wait_until > began
    assert status_of(step) == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("database", "answered_after", "patient"),
    [(11.0, 0.1, False), (13.0, 0.1, True), (9.0, 0.1, True), (15.0, 5.0, True), (12.5, 2.5, False)],
    ids=["as it should be", "set forward", "set back", "a late answer", "a little late"],
)
def test_after_a_clock_jump_or_late_answer_nothing_is_taken_over(
    driven: None, team: Team, database: float, answered_after: float, patient: bool
) -> None:
    _, step = running(team)
    finder, now = LostStepFinder(), time.monotonic()
    finder.check_clock(Reading(now, 10.0, now, any_lost=True))
    finder.check_clock(Reading(now + 1, database, now + 1 + answered_after, any_lost=True))
    finder._earlier = None  # the look below reads the real clock
    recover_lost_steps(finder)
    assert (status_of(step) == "IN_PROGRESS") is patient


def test_a_clock_set_back_makes_no_lease_longer(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    insisted: list[bool] = []
    monkeypatch.setattr(timers, "use_own_clock", lambda: insisted.append(True))
    execution, step = running(team)
    later = timezone.now() + timedelta(hours=1)
    ExecutionStep.objects.filter(pk=step.pk).update(look_at=later)
    Execution.objects.filter(pk=execution.pk).update(look_at=later)
    now = time.monotonic()
    finder = LostStepFinder()
    finder.check_clock(Reading(now, 10_000.0, now, any_lost=False))
    finder.check_clock(Reading(now + 1, 6_401.0, now + 1, any_lost=False))
    assert seconds_left(step) <= settings.ENGINE_LEASE_SECONDS + 1
    execution.refresh_from_db()
    assert execution.look_at is not None
    assert execution.look_at < later - timedelta(minutes=50)
    assert insisted


times = st.floats(0, 1e6)
short = st.floats(0, 100)


@given(
    start=times, offset=times, first=short, second=short, gap=short, at=st.floats(0, 1), later=st.floats(0, 1)
)
def test_a_clock_that_nobody_sets_never_jumps(
    start: float, offset: float, first: float, second: float, gap: float, at: float, later: float
) -> None:
    """However long the calls take, and whenever within them the clock is read."""
    then = start + first + gap
    earlier = Reading(start, offset + start + first * at, start + first, any_lost=False)
    reading = Reading(then, offset + then + second * later, then + second, any_lost=False)
    assert abs(reading.jump(earlier)) < 1e-6


@given(jump=st.floats(-1e4, 1e4), took=short)
def test_a_clock_jump_is_measured_without_the_calls_own_time(jump: float, took: float) -> None:
    earlier = Reading(0.0, took / 2, took, any_lost=False)
    reading = Reading(200.0, 200 + took / 2 + jump, 200 + took, any_lost=False)
    measured = reading.jump(earlier)
    assert abs(measured) <= abs(jump) + 1e-6
    assert abs(jump - measured) <= took + 1e-6


def test_the_database_s_clock_is_read(driven: None, team: Team) -> None:
    reading = lost_workers.read()
    assert abs(reading.database - time.time()) < 60
    assert not reading.any_lost
    running(team)
    assert lost_workers.read().any_lost
