"""The engine beside a bare Celery chain, in one run: `python -m benchmarks.engine [--quick]`.

Everything is measured in rounds, one contender after the other in each, because a shared machine drifts: the
figures are medians over the rounds, and the ratios are medians of the ratios within a round.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from asynctester.embedded import commands
from benchmarks import bare_chain
from benchmarks.contenders import BareChain, Burst, Contender, Installation, with_application
from benchmarks.report import quantile, table
from benchmarks.servers import Servers, servers

BARE, LOOP, POSTGRESQL, SQLITE = "bare chain", "requests loop", "PostgreSQL", "SQLite"
ONE_TASK = "PostgreSQL, the flow in one task"


@dataclass(frozen=True)
class Plan:
    """How much is measured: numbers a round."""

    rounds: int = 3
    alone: int = 5
    burst: int = 200
    long_flow: int = 1_000
    short_runs: int = 20


QUICK = Plan(rounds=2, alone=3, burst=20, long_flow=200, short_runs=10)


@dataclass
class Measured:
    """Figures by contender, one a round."""

    step_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    long_step_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    bursts: dict[str, list[Burst]] = field(default_factory=lambda: defaultdict(list))
    post_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    short_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


@contextmanager
def contenders(
    shared: Servers, workers: Sequence[list[str]], *, waits_for_disk: bool
) -> Iterator[tuple[BareChain, list[Installation]]]:
    """Start all four beside each other; end them with the block."""
    database = shared.new_database("benchmark", waits_for_disk=waits_for_disk)
    one_task_database = shared.new_database("one_task", waits_for_disk=waits_for_disk)
    one_task = [with_application(each, "benchmarks.one_task") for each in workers]
    bare = BareChain(shared, workers)
    installations = [
        Installation(SQLITE, shared, f"sqlite:///{shared.folder / 'benchmark.sqlite3'}", 1, workers),
        Installation(POSTGRESQL, shared, database, 2, workers),
        Installation(ONE_TASK, shared, one_task_database, 3, one_task),
    ]
    everyone: list[Contender] = [bare, *installations]
    try:
        for each in everyone:
            each.start()
            each.burst(2, 20)  # connections, caches, imports
        yield bare, installations
    finally:
        for each in everyone:
            each.stop()


def measure(bare: BareChain, installations: Sequence[Installation], plan: Plan, target_url: str) -> Measured:
    """Run all rounds."""
    found = Measured()
    for number in range(plan.rounds):
        print(f"round {number + 1} of {plan.rounds}", flush=True)
        calls = plan.alone * 20
        found.step_ms[LOOP].append(bare_chain.loop_ms(f"{target_url}/orders/42", calls) / calls)
        for each in (bare, *installations):
            runs = [each.alone(20) / 20 for _ in range(plan.alone)]
            found.step_ms[each.name].append(statistics.median(runs))
        for installation in installations:
            _measure_installation(installation, plan, found)
        for each in (bare, *installations):
            found.bursts[each.name].append(each.burst(plan.burst, 20))
    return found


def _measure_installation(installation: Installation, plan: Plan, found: Measured) -> None:
    # Right before and after the long flow, so that both meet the same noise.
    before = installation.alone(20) / 20
    long_step = installation.alone(plan.long_flow) / plan.long_flow
    after = installation.alone(20) / 20
    found.long_step_ms[installation.name].append(long_step)
    found.step_ms[f"{installation.name} around"].append((before + after) / 2)
    installation.post_ms.clear()
    found.short_ms[installation.name] += [installation.post_to_completed(3) for _ in range(plan.short_runs)]
    found.post_ms[installation.name] += installation.post_ms


def ratio(above: Sequence[float], below: Sequence[float]) -> str:
    """Return the median of the rounds' ratios."""
    return f"{statistics.median(a / b for a, b in zip(above, below, strict=True)):.2f}"


def report(found: Measured, plan: Plan) -> str:
    """Return the figures as Markdown tables."""
    return "\n\n".join([_alone(found, plan), _bursts(found, plan), _requests(found)])


def _alone(found: Measured, plan: Plan) -> str:
    rows = []
    for name in (LOOP, BARE, SQLITE, POSTGRESQL, ONE_TASK):
        own = found.step_ms[name]
        inside = found.step_ms[ONE_TASK]
        row = [name, f"{statistics.median(own):.1f}", ratio(own, found.step_ms[BARE]), ratio(own, inside)]
        long_steps = found.long_step_ms.get(name)
        around = found.step_ms[f"{name} around"] if long_steps else []
        rows.append(
            [*row, f"{statistics.median(long_steps):.1f}", ratio(long_steps, around)]
            if long_steps
            else [*row, "", ""]
        )
    long_flow = f"{plan.long_flow} steps: ms a step"
    return table(
        ["alone", "20 steps: ms a step", "÷ bare chain", "÷ one task", long_flow, "÷ 20 steps"], rows
    )


def _bursts(found: Measured, plan: Plan) -> str:
    rows = []
    for name in (BARE, SQLITE, POSTGRESQL, ONE_TASK):
        rates = [burst.steps_per_second for burst in found.bursts[name]]
        costs = [burst.cpu_ms_a_step for burst in found.bursts[name]]
        bare_costs = [burst.cpu_ms_a_step for burst in found.bursts[BARE]]
        figures = [f"{statistics.median(rates):.0f}", f"{statistics.median(costs):.2f}"]
        rows.append([name, *figures, ratio(costs, bare_costs), _by_role(found.bursts[name])])
    heads = [f"{plan.burst} flows of 20 steps", "steps/s", "CPU ms a step", "÷ bare chain", "of which"]
    return table(heads, rows)


def _by_role(bursts: Sequence[Burst]) -> str:
    shares = {
        role: statistics.median(1000 * burst.processors[role] / burst.steps for burst in bursts)
        for role in bursts[0].processors
    }
    return ", ".join(f"{role} {share:.2f}" for role, share in shares.items() if share)


def _requests(found: Measured) -> str:
    figures: list[Callable[[Sequence[float]], float]] = [
        statistics.median,
        lambda values: quantile(values, 0.95),
        lambda values: quantile(values, 0.99),
    ]
    rows = []
    for name in (SQLITE, POSTGRESQL):
        posts = [f"{figure(found.post_ms[name]):.0f}" for figure in figures]
        rows.append([name, *posts, f"{statistics.median(found.short_ms[name]):.0f}"])
    heads = ["ms", "POST run: median", "p95", "p99", "3 steps: POST → COMPLETED, median"]
    return table(heads, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs, about a minute")
    parser.add_argument("--rounds", type=int, help="instead of 3 (2 when quick)")
    parser.add_argument("--no-disk-wait", action="store_true", help="PostgreSQL with synchronous_commit=off")
    parser.add_argument(
        "--threads", type=int, default=commands.DEFAULT_THREADS, help="of each worker process"
    )
    parser.add_argument("--processes", type=int, default=commands.DEFAULT_PROCESSES, help="of each contender")
    given = parser.parse_args()
    plan = QUICK if given.quick else Plan()
    if given.rounds:
        plan = Plan(given.rounds, plan.alone, plan.burst, plan.long_flow, plan.short_runs)
    load = os.getloadavg()[0]
    disk = not given.no_disk_wait
    workers = [commands.worker(given.threads)] * given.processes
    with (
        servers() as shared,
        contenders(shared, workers, waits_for_disk=disk) as (bare, installations),
    ):
        found = measure(bare, installations, plan, shared.target_url)
    print(
        f"\n{os.cpu_count()} cores, load before {load:.1f}, {given.processes} workers of {given.threads} threads",
        end="",
    )
    print(f", PostgreSQL {'waits' if disk else 'does not wait'} for the disk\n")
    print(report(found, plan))


if __name__ == "__main__":
    main()
