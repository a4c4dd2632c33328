"""Tasks that run to their end, even if their caller is cancelled."""

from __future__ import annotations

import asyncio
import gc

from executions.live.detached_tasks import in_background


def test_it_runs_to_its_end_though_nobody_holds_it() -> None:
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    async def begin() -> None:
        in_background(work())
        gc.collect()
        async with asyncio.timeout(20):
            while not done:
                await asyncio.sleep(0.01)

    asyncio.run(begin())


def test_a_cancelled_waiter_does_not_cancel_the_others() -> None:
    done: list[int] = []

    async def work() -> int:
        await asyncio.sleep(0.05)
        done.append(1)
        return 7

    async def begin() -> int:
        task = in_background(work())
        waiting = asyncio.ensure_future(asyncio.shield(task))
        await asyncio.sleep(0)
        waiting.cancel()
        return await task

    assert asyncio.run(begin()) == 7
    assert done == [1]
