"""One snapshot serves many streams that wait for it."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import pytest

from accounts.models import Team
from executions.live import snapshots
from tests.executions.rows import make_execution, make_steps

pytestmark = pytest.mark.django_db(transaction=True)


def test_all_who_ask_at_once_share_a_few(
    transactional_db: None, team: Team, snapshot_reads: list[UUID]
) -> None:
    execution = make_execution(team)
    make_steps(execution, 2)

    async def crowd() -> list[snapshots.Taken | None]:
        shared = snapshots.Snapshots()
        return list(await asyncio.gather(*(shared.take(execution.pk) for _ in range(300))))

    taken = asyncio.run(crowd())
    assert len(snapshot_reads) == 1
    for each in taken:
        assert each is not None
        assert json.loads(each[1])["execution"]["id"] == str(execution.pk)


def test_a_request_during_a_read_gets_a_later_snapshot(
    transactional_db: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = make_execution(team)
    begun, go_on = asyncio.Event(), asyncio.Event()
    reads: list[UUID] = []

    async def slow(read: object, execution_id: UUID) -> None:
        reads.append(execution_id)
        begun.set()
        await go_on.wait()

    monkeypatch.setattr(snapshots, "in_database", slow)

    async def two() -> None:
        shared = snapshots.Snapshots()
        first = asyncio.create_task(shared.take(execution.pk))
        await begun.wait()
        second = asyncio.create_task(shared.take(execution.pk))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, second)

    asyncio.run(two())
    assert len(reads) == 2


def test_a_stream_that_ends_takes_it_from_nobody(transactional_db: None, team: Team) -> None:
    execution = make_execution(team)

    async def one_leaves() -> snapshots.Taken | None:
        shared = snapshots.Snapshots()
        leaving = asyncio.create_task(shared.take(execution.pk))
        staying = asyncio.create_task(shared.take(execution.pk))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(one_leaves()) is not None


def test_there_is_none_of_what_was_deleted(transactional_db: None) -> None:
    async def take() -> snapshots.Taken | None:
        return await snapshots.snapshots().take(uuid4())

    assert asyncio.run(take()) is None
