"""The last snapshot is shared while there is no newer update, and no longer."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from executions.live.messages import Update
from executions.live.recent_snapshots import RecentSnapshot, recent_snapshot
from executions.live.snapshots import Taken


def taken(number: int) -> Taken:
    update: Update = {
        "executionId": "one",
        "sequence": number,
        "timestamp": 1,
        "updateType": "SNAPSHOT",
        "message": "Execution started",
        "executionStatus": "IN_PROGRESS",
    }
    return update, f"snapshot {number}"


def test_a_snapshot_is_kept_until_something_newer_is_heard() -> None:
    one = RecentSnapshot()
    one.keep(taken(5))
    one.heard(4)
    one.heard(5)
    assert one.taken == taken(5)
    one.heard(6)
    assert one.taken is None


def test_a_snapshot_older_than_an_update_is_not_kept() -> None:
    one = RecentSnapshot()
    one.heard(6)
    one.keep(taken(6))
    one.keep(taken(5))
    assert one.taken == taken(6)


def test_the_streams_of_one_execution_share_a_snapshot() -> None:
    mine, other = uuid4(), uuid4()

    async def streams() -> None:
        first = recent_snapshot(mine)
        first.keep(taken(5))
        assert recent_snapshot(mine) is first
        assert recent_snapshot(other) is not first
        del first
        assert recent_snapshot(mine).taken is None

    asyncio.run(streams())
