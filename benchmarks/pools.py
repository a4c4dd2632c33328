"""Which worker pool: threads, processes and both, on quick calls and on slow ones: `python -m benchmarks.pools`.

All installations share one PostgreSQL database server but have a database each; they are measured one after the
other, in rounds.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from asynctester.embedded import commands
from benchmarks.contenders import Burst, Installation
from benchmarks.report import table
from benchmarks.servers import Servers, servers


def worker(pool: str, concurrency: int) -> list[str]:
    """Return the engine's worker command with another pool."""
    command = commands.worker(concurrency)
    command[command.index("--pool") + 1] = pool
    return command


POOLS = {
    "threads 8": [worker("threads", 8)],
    "threads 64": [worker("threads", 64)],
    "2 processes of threads 4": [worker("threads", 4)] * 2,
    "2 processes of threads 8": [worker("threads", 8)] * 2,
    "2 processes of threads 24": [worker("threads", 24)] * 2,
    "2 processes of threads 32": [worker("threads", 32)] * 2,
    "3 processes of threads 16": [worker("threads", 16)] * 3,
    "2 processes of solo": [worker("solo", 1)] * 2,
    "prefork 4": [worker("prefork", 4)],
}


@contextmanager
def installed(shared: Servers, names: Sequence[str], *, sqlite: bool) -> Iterator[list[Installation]]:
    """Start an installation for each pool; end them with the block."""
    found: list[Installation] = []
    try:
        for number, name in enumerate(names):
            file = f"sqlite:///{shared.folder / f'pool_{number}.sqlite3'}"
            database = file if sqlite else shared.new_database(f"pool_{number}")
            found.append(Installation(name, shared, database, number, POOLS[name]))
            found[-1].start()
            found[-1].burst(4, 20)
        yield found
    finally:
        for each in found:
            each.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pools", nargs="*", default=list(POOLS), help=f"some of: {', '.join(POOLS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--burst", type=int, default=50, help="flows of 20 steps at once")
    parser.add_argument("--slow", type=int, default=200, help="runs whose one call is answered after 2 s")
    parser.add_argument("--sqlite", action="store_true", help="instead of PostgreSQL")
    given = parser.parse_args()
    bursts: dict[str, list[Burst]] = defaultdict(list)
    alone: dict[str, list[float]] = defaultdict(list)
    slow: dict[str, list[float]] = defaultdict(list)
    with servers() as shared, installed(shared, given.pools, sqlite=given.sqlite) as installations:
        for _ in range(given.rounds):
            for each in installations:
                alone[each.name].append(statistics.median(each.alone(20) / 20 for _ in range(5)))
                bursts[each.name].append(each.burst(given.burst, 20))
                if given.slow:
                    slow[each.name].append(each.slow_burst(given.slow, 2_000))
        rows = [
            [
                each.name,
                f"{statistics.median(alone[each.name]):.1f}",
                f"{statistics.median(burst.steps_per_second for burst in bursts[each.name]):.0f}",
                f"{statistics.median(burst.cpu_ms_a_step for burst in bursts[each.name]):.2f}",
                f"{statistics.median(slow[each.name]):.1f}" if given.slow else "",
                f"{each.memory_mb():.0f}",
            ]
            for each in installations
        ]
    heads = [
        "pool", "alone: ms a step", f"{given.burst} at once: steps/s", "CPU ms a step",
        f"{given.slow} calls of 2 s: s", "MiB",
    ]  # fmt: skip
    print(table(heads, rows))


if __name__ == "__main__":
    main()
