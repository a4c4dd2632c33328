"""The watcher wakes steps that have news, in batches, and renews the leases of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Team
from executions import statements
from executions.broker import chain
from executions.models import ExecutionStep
from executions.runtime import watcher
from executions.runtime.watcher import MOST_IN_QUEUE, Watched, Watcher, _News
from executions.worker.sweeper import Sweeper
from steprunners.errors import StepError
from steprunners.runner import Watch
from tests.executions.rows import make_execution, make_step

SECONDS = 30


class Telling(Watch):
    """Has news when the test says so; looks at nothing where its source is `broken`."""

    patience_ms = 60_000

    def __init__(self, source: Hashable = "here") -> None:
        self._source = source
        self.has_news = False
        self.looks = 0

    @property
    def source(self) -> Hashable:
        return self._source

    @classmethod
    def look(cls, watches: Sequence[Telling]) -> list[Telling]:
        for watch in watches:
            watch.looks += 1
        if watches[0].source == "broken":
            raise StepError("the cluster is away")
        return [watch for watch in watches if watch.has_news]


def parked(team: Team, position: int = 0, **fields: Any) -> ExecutionStep:
    later = timezone.now() + timedelta(minutes=1)
    values = {"status": "WAITING", "due_at": later, "look_at": later, **fields}
    return make_step(make_execution(team, cursor=0, remaining=1), position, **values)


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def is_due(step: ExecutionStep) -> bool:
    step.refresh_from_db()
    return step.due_at is not None and step.due_at <= timezone.now()


@pytest.fixture
def watching() -> Iterator[Watcher]:
    """A watcher whose threads end with the test."""
    watching = Watcher()
    yield watching
    with watching._lock:
        for watched in watching._sources.values():
            watched.clear()
    wait_for(lambda: watching._sources == {})


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """What is published, in place of the broker: the claims of a worker would be in the test's way."""
    sent: list[tuple[Any, Any]] = []

    def publish(*place: Any) -> bool:
        sent.append(place)
        return True

    monkeypatch.setattr(chain, "publish", publish)
    return sent


class TestWaking:
    def test_a_step_with_news_is_woken_and_its_neighbour_is_not(
        self, alone: None, team: Team, published: list[Any], watching: Watcher
    ) -> None:
        own, other = Telling(), Telling()
        steps = [parked(team), parked(team)]
        for watch, step in zip((own, other), steps, strict=True):
            watching.add(watch, step)
        own.has_news = True
        wait_for(lambda: is_due(steps[0]))
        wait_for(lambda: published == [(steps[0].execution_id, [0])])
        assert not is_due(steps[1])

    def test_a_source_that_does_not_answer_holds_up_no_other(
        self, alone: None, team: Team, published: list[Any], watching: Watcher
    ) -> None:
        broken, sound, step = Telling("broken"), Telling(), parked(team)
        watching.add(broken, parked(team))
        watching.add(sound, step)
        wait_for(lambda: broken.looks > 1)
        sound.has_news = True
        wait_for(lambda: is_due(step))

    def test_so_many_are_woken_as_are_claimed(self, driven: None, team: Team, published: list[Any]) -> None:
        steps = [parked(team) for _ in range(MOST_IN_QUEUE + 3)]
        news = _News({step.id: Watched(step.id, Telling(), time.monotonic() + 60) for step in steps})
        watching = Watcher()
        watching._wake((Telling, "here"), news)
        assert (len(published), len(news.ready)) == (MOST_IN_QUEUE, 3)
        watching._wake((Telling, "here"), news)
        assert len(published) == MOST_IN_QUEUE
        ExecutionStep.objects.filter(pk__in=[step.pk for step in steps[:2]]).update(status="IN_PROGRESS")
        watching._wake((Telling, "here"), news)
        assert (len(published), len(news.ready)) == (MOST_IN_QUEUE + 2, 1)

    def test_a_step_that_does_not_wait_is_not_woken(
        self, driven: None, team: Team, published: list[Any]
    ) -> None:
        step = parked(team, status="IN_PROGRESS")
        news = _News({step.id: Watched(step.id, Telling(), time.monotonic() + 60)})
        Watcher()._wake((Telling, "here"), news)
        assert (published, news.ready) == ([], {})

    def test_a_watch_ends_with_its_time(self, alone: None, team: Team, watching: Watcher) -> None:
        watch = Telling()
        watch.patience_ms = -1_000
        watching.add(watch, parked(team))
        wait_for(lambda: watching._sources == {})


class TestLeases:
    def test_they_are_renewed_for_those_that_wait(self, driven: None, team: Team) -> None:
        step, running = parked(team), parked(team, status="IN_PROGRESS")
        woken = parked(team, due_at=timezone.now() - timedelta(seconds=1))
        now = timezone.now()
        assert statements.watch.renew([step.id, running.id, woken.id]) == {step.id}
        step.refresh_from_db()
        assert step.look_at is not None
        lease = (step.look_at - now).total_seconds()
        assert settings.ENGINE_LEASE_SECONDS - 1 < lease < settings.ENGINE_LEASE_SECONDS + SECONDS

    def test_steps_that_do_not_wait_are_forgotten(self, driven: None, team: Team) -> None:
        watching, step, gone = Watcher(), parked(team), parked(team, status="IN_PROGRESS")
        for each in (step, gone):
            watched = Watched(each.id, Telling(), time.monotonic() + 60)
            watching._sources.setdefault((Telling, "here"), {})[each.id] = watched
        watching._renew_all()
        assert list(watching._sources[Telling, "here"]) == [step.id]

    def test_a_step_whose_watcher_was_lost_runs_before_it_is_due(
        self, driven: None, team: Team, published: list[Any]
    ) -> None:
        step = parked(team, look_at=timezone.now() - timedelta(seconds=1))
        Sweeper().sweep()
        assert is_due(step)

    def test_many_are_renewed_at_once(
        self, driven: None, team: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(statements.watch, "BATCH", 2)
        steps = [parked(team) for _ in range(5)]
        assert statements.watch.renew([step.id for step in steps]) == {step.id for step in steps}
        places = statements.watch.wake_all([step.id for step in steps])
        assert sorted(places) == sorted((step.execution_id, 0) for step in steps)
        assert statements.watch.still_unclaimed([step.id for step in steps]) == {step.id for step in steps}


def test_the_process_has_one() -> None:
    assert isinstance(watcher.watcher, Watcher)
