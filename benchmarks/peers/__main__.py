"""The engine beside other tools, in one run: `python -m benchmarks.peers [--home FOLDER]`.

What a further step costs: the time of a long flow minus that of a short one, so that nobody's start-up counts.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from asynctester.embedded import commands
from benchmarks import bare_chain
from benchmarks.contenders import BareChain, Installation
from benchmarks.peers.contenders import EVERY_PEER
from benchmarks.peers.tools import NotInstalled
from benchmarks.report import table
from benchmarks.servers import Servers, servers

SHORT, LONG = 20, 320
LOOP, ENGINE = "requests loop", "PostgreSQL"
Run = Callable[[int], float]


def runs_of(shared: Servers, home: Path, stack: ExitStack) -> dict[str, Run]:
    """Start everybody that can be had; return, by name, what takes a number of steps and returns the ms."""
    workers = commands.workers()
    engine = Installation(ENGINE, shared, shared.new_database("peers"), 2, workers)
    bare = BareChain(shared, workers)
    found: dict[str, Run] = {LOOP: lambda steps: _loop(shared.target_url, steps)}
    for each in (bare, engine):
        each.start()
        stack.callback(each.stop)
        found[each.name] = each.alone
    for kind in EVERY_PEER:
        peer = kind(shared, home)
        try:
            peer.start()
        except NotInstalled as reason:
            print(f"left out: {reason}", flush=True)
            continue
        stack.callback(peer.stop)
        found[peer.name] = peer.run_ms
    return found


def _loop(url: str, steps: int) -> float:
    return bare_chain.loop_ms(f"{url}/orders/42", steps)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path("/tmp/asynctester-peers")  # noqa: S108  # only programs are kept there, between runs
    parser.add_argument("--home", type=Path, default=default, help="where the other tools are installed")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    marginal: dict[str, list[float]] = defaultdict(list)
    whole: dict[str, list[float]] = defaultdict(list)
    with servers() as shared, ExitStack() as stack:
        runs = runs_of(shared, given.home.resolve(), stack)
        for run in runs.values():
            run(SHORT)  # caches, connections
        for number in range(given.rounds):
            print(f"round {number + 1} of {given.rounds}", flush=True)
            for name, run in runs.items():
                short, long = run(SHORT), run(LONG)
                marginal[name].append((long - short) / (LONG - SHORT))
                whole[name].append(short)
    print(report(marginal, whole))


def report(marginal: dict[str, list[float]], whole: dict[str, list[float]]) -> str:
    """Return the table: ms, and how many times the engine's."""
    rows = []
    for name, figures in marginal.items():
        ratios = [each / ours for each, ours in zip(figures, marginal[ENGINE], strict=True)]
        rows.append([
            name, f"{statistics.median(figures):.2f}", f"{statistics.median(ratios):.2f}",
            f"{statistics.median(whole[name]):.0f}",
        ])  # fmt: skip
    return table(["", "a further step, ms", "÷ the engine's", f"{SHORT} steps from start to end, ms"], rows)


if __name__ == "__main__":
    main()
