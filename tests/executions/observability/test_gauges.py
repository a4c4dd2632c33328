"""Tests of `executions.observability.gauges`."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import Team
from executions.models import ExecutionStep
from executions.observability import gauges
from executions.observability.gauges import LoadGauges
from executions.states import StepStatus
from tests.executions.driving import begin, delay


@pytest.fixture(autouse=True)
def _time_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "PATIENCE", 60.0)
    monkeypatch.setattr(gauges, "FRESH", 3_600.0)


def shown(collector: LoadGauges) -> dict[str, float]:
    """Return the values by name, with the status where they have one."""
    return {
        " ".join([sample.name.removeprefix("asynctester_"), *sample.labels.values()]): sample.value
        for family in collector.collect()
        for sample in family.samples
    }


def test_open_work_is_counted(alone: None, team: Team) -> None:
    assert shown(LoadGauges()) == {
        "database_up": 1, "open_executions PENDING": 0, "open_executions IN_PROGRESS": 0,
        "waiting_steps": 0, "running_steps": 0, "oldest_due_step_seconds": 0,
    }  # fmt: skip
    waiting, running = begin(team, [delay("a", ms=10**7)]), begin(team, [delay("a")])
    begin(team, [delay("a")])
    now = timezone.now()
    wait(waiting.pk, due_at=now - timedelta(seconds=90))
    ExecutionStep.objects.filter(execution=running).update(status=StepStatus.IN_PROGRESS, look_at=now)

    found = shown(LoadGauges())
    assert found["oldest_due_step_seconds"] == pytest.approx(90, abs=60)
    del found["oldest_due_step_seconds"]
    assert found == {
        "database_up": 1, "open_executions PENDING": 3, "open_executions IN_PROGRESS": 0,
        "waiting_steps": 1, "running_steps": 1,
    }  # fmt: skip


def test_steps_that_are_not_due_are_not_late(alone: None, team: Team) -> None:
    wait(begin(team, [delay("a", ms=10**7)]).pk, due_at=timezone.now() + timedelta(hours=1))
    assert shown(LoadGauges())["oldest_due_step_seconds"] == 0


def test_scrapers_that_come_at_once_ask_once(alone: None, team: Team) -> None:
    collector = LoadGauges()
    before = shown(collector)
    begin(team, [delay("a")])
    assert shown(collector) == before


def test_without_the_database_that_alone_is_told() -> None:
    # Without the django_db mark pytest-django refuses every query: as good as a database that is away.
    assert shown(LoadGauges()) == {"database_up": 0}


def wait(execution_id: UUID, **times: datetime) -> None:
    """Have the execution's step wait."""
    ExecutionStep.objects.filter(execution=execution_id).update(
        status=StepStatus.WAITING, look_at=timezone.now() + timedelta(hours=1), **times
    )
