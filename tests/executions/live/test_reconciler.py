"""Streams that missed an update are found in one query, and only they get a snapshot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.models import Team
from executions.live import reconciler
from executions.live.reconciler import Reconciler
from tests.executions.rows import make_execution


@dataclass(eq=False)
class Watching:
    """A watcher that counts how often it is told to send a snapshot."""

    execution_id: UUID
    number: int | None
    snapshots: int = 0

    def knows(self) -> int | None:
        return self.number

    def resync(self) -> None:
        self.snapshots += 1


@pytest.mark.django_db
def test_one_query_for_all(team: Team, django_assert_num_queries: Any) -> None:
    ids = {make_execution(team, sequence=number).pk for number in range(5)}
    with django_assert_num_queries(1):
        assert set(reconciler._numbers(ids)) == ids


@pytest.mark.django_db(transaction=True)
def test_only_streams_that_missed_an_update_resync(team: Team) -> None:
    execution = make_execution(team, sequence=7)
    behind, current = Watching(execution.pk, 6), Watching(execution.pk, 7)
    before_its_snapshot, deleted = Watching(execution.pk, None), Watching(uuid4(), 3)

    async def check() -> None:
        found = Reconciler()
        for watcher in (behind, current, before_its_snapshot, deleted):
            found.add(watcher)
        await found.check()
        for watcher in (behind, current, before_its_snapshot, deleted):
            found.remove(watcher)

    asyncio.run(check())
    assert [each.snapshots for each in (behind, current, before_its_snapshot, deleted)] == [1, 0, 0, 1]


@pytest.mark.django_db(transaction=True)
def test_an_update_on_its_way_needs_no_snapshot(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "PATIENCE", 2.0)
    watcher = Watching(make_execution(team, sequence=7).pk, 6)

    async def check() -> None:
        found = Reconciler()
        found.add(watcher)
        asyncio.get_running_loop().call_later(0.5, setattr, watcher, "number", 7)
        await found.check()
        found.remove(watcher)

    asyncio.run(check())
    assert watcher.snapshots == 0
