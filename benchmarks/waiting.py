"""What 10 000 steps that wait at the same time take of memory: `python -m benchmarks.waiting`.

Once as 10 flows of 1 000 steps in the background, and once as 10 000 runs of one step each. Steps are counted in the
database: a page of 1 000 steps each second would be a good part of what is measured.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from asynctester.embedded import commands
from benchmarks.contenders import Installation
from benchmarks.flows import waiting_flow
from benchmarks.servers import servers

#: How many runs have all the steps in one case, and how many processes start one for each step in the other.
FLOWS, STARTERS = 10, 4
LONG_MS = 3_600_000
#: How long a step may take on its way to its wait, in seconds: ten times as long as on a busy machine of two cores.
PATIENCE_SECONDS_A_STEP = 0.1
NO_LIMITS = {
    "MAX_EXECUTION_SECONDS": "86400",
    "MAX_CONCURRENT_EXECUTIONS": "100000",
    "MAX_RUNS_PER_MINUTE": "1000000",
}

Start = Callable[[Installation, dict[str, Any], int], None]


@dataclass(frozen=True)
class Case:
    """How many steps wait in all, in how large flows, and how their runs are started."""

    name: str
    steps: int
    of_a_flow: int
    start: Start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    steps = parser.parse_args().steps
    of_few = Case(f"{steps} steps of {FLOWS} runs", steps, steps // FLOWS, _one_by_one)
    with servers() as shared:
        database = shared.new_database("waiting")
        tested = Installation("PostgreSQL", shared, database, 1, commands.workers(), extra=NO_LIMITS)
        try:
            tested.start()
            _wait(tested, of_few, 1, "SUCCESS")  # the same once without a wait: imports, caches
            print(_measured(tested, of_few), flush=True)
            print(_measured(tested, Case(f"{steps} runs of one step", steps, 1, _many)), flush=True)
        finally:
            tested.stop()


def _measured(tested: Installation, case: Case) -> str:
    before = tested.memory_mb()
    seconds = _wait(tested, case, LONG_MS, "WAITING")
    more = tested.memory_mb() - before
    return (
        f"{case.name} wait: {more:.0f} MiB more than the {before:.0f} before (web server and workers);"
        f" all wait after {seconds:.0f} s"
    )


def _wait(tested: Installation, case: Case, delay_ms: int, status: str) -> float:
    """Run the flows; return the seconds until so many steps more have the status."""
    document = waiting_flow(case.of_a_flow, delay_ms)
    document["name"] += f" of {delay_ms} ms"
    started = time.monotonic()
    deadline = started + 60 + PATIENCE_SECONDS_A_STEP * case.steps
    with psycopg.connect(tested.database_url, autocommit=True) as database:
        goal = _count(database, status) + case.steps
        case.start(tested, document, case.steps // case.of_a_flow)
        while (there := _count(database, status)) < goal:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{there} of {goal} steps are {status}")
            time.sleep(1)
    return time.monotonic() - started


def _count(database: psycopg.Connection[Any], status: str) -> int:
    sql = "SELECT count(*) FROM executions_executionstep WHERE status = %s"
    row = database.execute(sql, [status]).fetchone()
    return row[0] if row else 0


def _one_by_one(tested: Installation, document: dict[str, Any], runs: int) -> None:
    for _ in range(runs):
        tested.run_document(document)


def _many(tested: Installation, document: dict[str, Any], runs: int) -> None:
    """Start them by the service, in processes of their own: so many requests would take longer than the steps."""
    command = [sys.executable, "-m", "benchmarks.many_runs", tested.flow_of(document), str(runs // STARTERS)]
    starters = [subprocess.Popen(command, env=tested.environment, cwd=commands.ROOT) for _ in range(STARTERS)]
    if any(starter.wait() for starter in starters):
        raise RuntimeError("not all runs were started")


if __name__ == "__main__":
    main()
