"""How long a change takes from its commit to a WebSocket client: `python -m benchmarks.live [--clients 500]`.

Clients are spread over runs that tick one after the other; each notes how old an update is when it comes, by the
machine's clock (the update's `timestamp` is taken right after its commit).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

from websockets.asyncio.client import connect

from asynctester.embedded import commands
from benchmarks.contenders import Installation
from benchmarks.flows import ticking_flow
from benchmarks.report import quantile
from benchmarks.servers import servers

RUNS, STEPS, PAUSE_MS = 50, 6, 5_000
#: Clients connect this long before the runs begin, in milliseconds.
HEAD_START_MS = 60_000


async def _listen(url: str, token: str) -> list[float]:
    """Return the age in ms of each update of one stream, from the first step on."""
    ages: list[float] = []
    async with connect(url, subprotocols=["bearer", token], open_timeout=60, max_size=None) as client:  # type: ignore[list-item]  # a token is a subprotocol here
        async for text in client:
            now_ms = time.time() * 1000
            update: dict[str, Any] = json.loads(text)
            if update["updateType"] == "STEP_UPDATE":
                ages.append(now_ms - update["timestamp"])
    if len(ages) < STEPS * 2:
        raise AssertionError("a client was connected too late: give it a longer head start")
    return ages


async def _watch(urls: list[str], token: str) -> list[float]:
    heard = await asyncio.gather(*[_listen(url, token) for url in urls])
    return [age for ages in heard for age in ages]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    given = parser.parse_args()
    with servers() as shared:
        tested = Installation("PostgreSQL", shared, shared.new_database("live"), 1, commands.workers())
        try:
            tested.start()
            flow = ticking_flow(STEPS, PAUSE_MS)
            apart_ms = PAUSE_MS // RUNS
            executions = [
                tested.run_document(flow, initial_delay_ms=HEAD_START_MS + number * apart_ms)
                for number in range(RUNS)
            ]
            base = tested.url.replace("http", "ws", 1)
            urls = [
                f"{base}/executions/{executions[number % RUNS]}/stream" for number in range(given.clients)
            ]
            ages = asyncio.run(_watch(urls, tested.access_token))
        finally:
            tested.stop()
    print(
        f"{given.clients} clients, {len(ages)} updates: median {statistics.median(ages):.0f} ms,"
        f" p95 {quantile(ages, 0.95):.0f} ms, p99 {quantile(ages, 0.99):.0f} ms after the commit"
    )


if __name__ == "__main__":
    main()
