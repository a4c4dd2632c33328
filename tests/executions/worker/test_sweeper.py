"""The sweeper: due rows once, rarer and rarer looks, lost workers, lost wake-ups, a broker that is away."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone

from accounts.models import Team
from executions import statements
from executions.broker.lanes import lane_of
from executions.engine.cancel import cancel_children, cancel_execution
from executions.models import Execution, ExecutionStep
from executions.statements.step import Change
from executions.states import StepStatus
from executions.worker import sweeper
from executions.worker.sweeper import Sweeper
from tests.counted import grows
from tests.executions.driving import at_once, begin, delay
from tests.executions.rows import make_execution, make_step
from tests.executions.sweeping import PAST, due, due_step

LATER = timedelta(hours=1)


@pytest.fixture
def closed_broker(settings: Any) -> Iterator[None]:
    """Celery's broker is a port at which nobody listens."""
    url = current_app.conf.broker_url
    _use_broker("redis://127.0.0.1:9/0")
    yield
    _use_broker(url)


def _use_broker(url: str) -> None:
    app: Any = current_app  # its type knows neither that settings can change nor where the pools are
    app.conf.broker_url = app.conf.broker_write_url = app.conf.broker_read_url = url
    app._pool = app.amqp._producer_pool = None


def seconds_to_look(row: Execution | ExecutionStep) -> float:
    row.refresh_from_db()
    assert row.look_at is not None
    return (row.look_at - timezone.now()).total_seconds()


# --- due rows -------------------------------------------------------------------------------------


def test_looks_get_rarer(driven: None, team: Team) -> None:
    execution = make_execution(team, remaining=1)
    pauses = []
    for _ in range(8):
        due(execution)
        Sweeper().sweep()
        pauses.append(round(seconds_to_look(execution) / settings.ENGINE_UNCLAIMED_SECONDS))
    assert pauses == [1, 2, 4, 8, 16, 32, 32, 32]


def test_looks_do_not_outgrow_their_column(driven: None, team: Team) -> None:
    execution = make_execution(team, remaining=1, looks=32_767)
    due(execution)
    Sweeper().sweep()
    execution.refresh_from_db()
    assert execution.looks == 32_767


def test_rows_that_are_not_due_are_left(driven: None, team: Team) -> None:
    execution = make_execution(team, remaining=1, look_at=timezone.now() + LATER)
    look_at = execution.look_at
    assert 0 < Sweeper().sweep() <= sweeper.TICK_SECONDS
    execution.refresh_from_db()
    assert (execution.looks, execution.look_at) == (0, look_at)


def test_two_sweepers_take_each_row_once(alone: None, team: Team) -> None:
    execution = make_execution(team, remaining=40)
    for position in range(40):
        make_step(execution, position, status=StepStatus.WAITING, look_at=timezone.now() - PAST)
    sweeps = at_once(*[lambda: statements.sweep.take_due_steps(sweeper.BATCH)] * 3)
    taken = [step.position for steps in sweeps for step in steps]
    assert len(taken) == len(set(taken)) >= sweeper.BATCH
    taken += [step.position for step in statements.sweep.take_due_steps(sweeper.BATCH)]
    assert sorted(taken) == list(range(40))


def test_a_lease_is_not_the_sweepers_business(driven: None, team: Team) -> None:
    execution = make_execution(team, remaining=2, look_at=timezone.now() + LATER)
    lost = make_step(execution, 0, status=StepStatus.IN_PROGRESS, look_at=timezone.now() - PAST)
    assert statements.sweep.take_due_steps(sweeper.BATCH) == []
    assert sweeper._seconds_to_next() == sweeper.TICK_SECONDS  # nor does it keep the sweeper awake
    lost.refresh_from_db()
    assert lost.looks == 0


# --- lost between two transactions ----------------------------------------------------------------


def waiting_for_child(team: Team, child_status: str) -> tuple[Execution, ExecutionStep]:
    parent = make_execution(team, remaining=1, cursor=0)
    step = make_step(parent, status=StepStatus.IN_PROGRESS, fence=1)
    child = make_execution(team, status=child_status, parent=parent, parent_position=0, remaining=1)
    Execution.objects.filter(pk__in=[parent.pk, child.pk], look_at__isnull=False).update(
        look_at=timezone.now() + LATER
    )
    assert statements.step.park(step, None, Change(), {"child": str(child.pk)}) is not None
    due_step(step)
    return parent, step


def test_a_child_that_ended_unnoticed_is_found(driven: None, team: Team) -> None:
    parent, _ = waiting_for_child(team, "COMPLETED")
    Sweeper().sweep()
    assert statements.step.claim(parent.pk, 0, "me") is not None


def test_a_child_that_runs_is_waited_for(driven: None, team: Team) -> None:
    parent, _ = waiting_for_child(team, "IN_PROGRESS")
    Sweeper().sweep()
    assert statements.step.claim(parent.pk, 0, "me") is None


def test_a_background_step_that_ended_unnoticed_is_found(driven: None, team: Team) -> None:
    execution = make_execution(team, remaining=1, cursor=1)
    later = timezone.now() + LATER
    background = make_step(execution, 0, background=True, status=StepStatus.IN_PROGRESS, look_at=later)
    step = make_step(execution, 1, status=StepStatus.IN_PROGRESS, fence=1, needs=[[0, True]])
    assert statements.step.park(step, None, Change(), {}, awaiting=True) is not None
    due_step(step)
    Sweeper().sweep()
    assert statements.step.claim(execution.pk, 1, "me") is None
    ExecutionStep.objects.filter(pk=background.pk).update(status="SUCCESS", look_at=None)
    due_step(step)
    with grows("sweeper_actions_total", action="publish_step", by=1):
        Sweeper().sweep()
    assert statements.step.claim(execution.pk, 1, "me") is not None


def test_steps_that_wait_for_background_steps_are_swept_often(driven: None, team: Team) -> None:
    """For it may have ended, and its worker have been lost before it said so."""
    execution = make_execution(team, remaining=2, cursor=1)
    later = timezone.now() + LATER
    make_step(execution, 0, background=True, status=StepStatus.IN_PROGRESS, look_at=later)
    step = make_step(execution, 1, status=StepStatus.IN_PROGRESS, fence=1, needs=[[0, True]])
    assert statements.step.park(step, None, Change(), {}, awaiting=True) is not None
    due_step(step, looks=9)
    Sweeper().sweep()
    assert seconds_to_look(step) <= settings.ENGINE_UNCLAIMED_SECONDS


def test_an_execution_whose_last_finisher_was_lost_is_ended(driven: None, team: Team) -> None:
    execution = make_execution(team, remaining=0)
    due(execution)
    Sweeper().sweep()
    execution.refresh_from_db()
    assert execution.status == "COMPLETED"


# --- cancel ---------------------------------------------------------------------------------------


def test_a_swept_cancel_reaches_a_child_once(driven: None, team: Team) -> None:
    parent = make_execution(team, remaining=1)
    later = timezone.now() + LATER
    make_step(parent, status=StepStatus.WAITING, look_at=later)
    child = make_execution(
        team, parent=parent, parent_position=0, remaining=1, phase="CLEAN_UP", look_at=later
    )
    make_step(child, status=StepStatus.IN_PROGRESS, always_run=True, look_at=later)
    cancel_execution(parent)
    for _ in range(3):
        due(parent)
        with grows("sweeper_actions_total", action="cancel", by=1):
            Sweeper().sweep()
    child.refresh_from_db()
    assert child.cancel_requests == 1
    cancel_execution(parent)
    child.refresh_from_db()
    assert child.cancel_requests == 2


def test_the_first_cancel_spares_the_child_of_a_clean_up_step(driven: None, team: Team) -> None:
    parent = make_execution(team, remaining=1, phase="CLEAN_UP", cancel_requests=1)
    make_step(parent, status=StepStatus.WAITING, always_run=True)
    child = make_execution(team, parent=parent, parent_position=0, remaining=1)
    make_step(child, status=StepStatus.IN_PROGRESS)
    cancel_children(parent)
    child.refresh_from_db()
    assert child.cancel_requests == 0
    parent.cancel_requests = 2
    cancel_children(parent)
    child.refresh_from_db()
    assert child.cancel_requests == 2


# --- the broker -----------------------------------------------------------------------------------


def test_a_run_request_returns_although_the_broker_is_away(
    alone: None, closed_broker: None, team: Team
) -> None:
    began = time.monotonic()
    execution = begin(team, [delay("a")])
    assert time.monotonic() - began < 20
    assert execution.status == "PENDING"
    assert seconds_to_look(execution) < 2


def test_an_execution_is_swept_soon_if_the_broker_is_away(
    driven: None, closed_broker: None, team: Team
) -> None:
    pending = begin(team, [delay("a")])
    begun = begin(team, [delay("a"), delay("b")])
    statements.execution.begin(begun.pk)
    for execution in (pending, begun):
        due(execution, looks=9)
    with grows("publish_failures_total", message="task", by=2):
        Sweeper().sweep()
    assert seconds_to_look(pending) < 2
    assert seconds_to_look(begun) < 2


def test_what_was_not_published_is_published_later(alone: None, team: Team) -> None:
    execution = begin(team, [delay("a")])
    _published()
    due(execution)
    with grows("sweeper_actions_total", action="publish_execution", by=1):
        Sweeper().sweep()
    assert _published() == [str(execution.pk)]


def test_no_step_is_published_again_while_its_lane_is_busy(alone: None, team: Team) -> None:
    _published()
    execution = begin(team, [delay("a")])
    statements.execution.begin(execution.pk)
    assert sweeper.queue_holds_work(lane_of(execution.pk))
    due(execution)
    Sweeper().sweep()
    assert len(_published()) == 1
    due(execution)
    with grows("sweeper_actions_total", action="publish_execution", by=1):
        Sweeper().sweep()
    assert _published() == [str(execution.pk)]


def test_nor_is_an_unclaimed_background_step(alone: None, team: Team) -> None:
    _published()
    execution = begin(team, [delay("a", runInBackground=True)])
    statements.execution.begin(execution.pk)
    statements.next_steps.release(execution.pk, [0])
    step = execution.steps.get()
    due_step(step)
    Sweeper().sweep()
    assert len(_published()) == 1  # the execution's own message, which waits there
    due_step(step)
    with grows("sweeper_actions_total", action="publish_step", by=1):
        Sweeper().sweep()
    assert _published() == [str(execution.pk)]


def test_after_a_while_it_is_published_again(alone: None, team: Team) -> None:
    """A lane that is always busy may not hold it up for ever."""
    foreground = begin(team, [delay("a")])
    beside = begin(team, [delay("a", runInBackground=True)])
    for execution in (foreground, beside):
        statements.execution.begin(execution.pk)
    statements.next_steps.release(beside.pk, [0])
    _published()
    busy = str(begin(team, [delay("a")]).pk)
    for looks in range(sweeper.LATE_LOOKS):
        due(foreground, looks=looks)
        due_step(beside.steps.get(), looks=looks)
        Sweeper().sweep()
    due(foreground, looks=sweeper.LATE_LOOKS)
    due_step(beside.steps.get(), looks=sweeper.LATE_LOOKS)
    Sweeper().sweep()
    assert _published() == [busy, str(beside.pk), str(foreground.pk)]


def test_a_due_wait_is_published_again_once_its_lane_is_empty(alone: None, team: Team) -> None:
    """The first time whatever the queue holds: who parked it may be lost."""
    _published()
    execution = begin(team, [delay("a")])
    step = make_step(
        make_execution(team, remaining=1, cursor=0), 0, status=StepStatus.WAITING, due_at=timezone.now()
    )
    waits, other = str(step.execution_id), str(execution.pk)
    due_step(step)
    Sweeper().sweep()
    due_step(step)
    Sweeper().sweep()
    assert _published() == [other, waits]
    due_step(step)
    Sweeper().sweep()
    assert _published() == [waits]


def _published() -> list[str]:
    """Take what is in the queue; return the execution of each task."""
    found = []
    with current_app.connection_for_read() as broker:
        queue = current_app.amqp.queues[current_app.conf.task_default_queue].bind(broker.default_channel)
        while (message := queue.get(no_ack=True)) is not None:
            found.append(str(uuid.UUID(message.payload[0][0])))
    return found
