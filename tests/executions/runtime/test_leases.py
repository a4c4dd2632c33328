"""Leases are renewed while a step runs; a lost lease or a cancel ends its call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Team
from executions import statements
from executions.models import Execution, ExecutionStep
from executions.runtime.background_thread import BackgroundThread
from executions.runtime.leases import Lease, Leases, _end_cancelled, _renew
from steprunners.deadline import Cancellation
from tests.executions.driving import begin, delay
from tests.executions.sweeping import claimed, due_step


def running(team: Team, *, always_run: bool = False) -> tuple[ExecutionStep, Lease]:
    step = claimed(begin(team, [delay("a")]), "me")
    return step, Lease(step.id, step.execution_id, step.fence, always_run, Cancellation())


def test_a_renewed_lease_ends_later(driven: None, team: Team) -> None:
    step, lease = running(team)
    ExecutionStep.objects.filter(pk=step.pk).update(look_at=timezone.now())
    _renew([lease])
    step.refresh_from_db()
    assert step.look_at is not None
    assert step.look_at - timezone.now() > timedelta(seconds=5)
    assert not lease.cancellation.is_cancelled


def test_a_lost_lease_ends_its_call(driven: None, team: Team) -> None:
    step, lease = running(team)
    due_step(step)
    assert len(statements.leases.take_lost(9, "me")) == 1
    _, other = running(team)
    _renew([lease, other])
    assert (lease.cancellation.is_cancelled, other.cancellation.is_cancelled) == (True, False)


def test_a_cancel_ends_the_call(driven: None, team: Team) -> None:
    step, lease = running(team)
    _end_cancelled([lease])
    assert not lease.cancellation.is_cancelled
    statements.cancel.request(step.execution_id)
    _end_cancelled([lease])
    assert lease.cancellation.is_cancelled


def test_a_second_cancel_ends_a_clean_up_call(driven: None, team: Team) -> None:
    step, lease = running(team, always_run=True)
    statements.cancel.request(step.execution_id)
    _end_cancelled([lease])
    assert not lease.cancellation.is_cancelled
    statements.cancel.request(step.execution_id)
    _end_cancelled([lease])
    assert lease.cancellation.is_cancelled


def test_a_call_that_cannot_be_ended_does_not_stop_the_others(driven: None, team: Team) -> None:
    def fail() -> None:
        raise OSError("closed already")

    (first, broken), (second, whole) = running(team), running(team)
    Execution.objects.filter(pk__in=[first.execution_id, second.execution_id]).update(
        cancel_requested_at=timezone.now(), cancel_requests=1
    )
    with broken.cancellation.closing(fail):
        _end_cancelled([broken, whole])
    assert whole.cancellation.is_cancelled


def test_a_lease_is_held_for_as_long_as_the_block(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, _ = running(team)
    held = Leases()
    monkeypatch.setattr(BackgroundThread, "start", lambda _self: None)
    with held.holding(step) as cancellation:
        assert [lease.step_id for lease in held.held()] == [step.id]
        assert not cancellation.is_cancelled
    assert held.held() == []
