"""What 10 000 steps that wait at the same time take of memory: `python -m benchmarks.waiting`."""

from __future__ import annotations

import argparse
import time

from asynctester.embedded import commands
from benchmarks.contenders import PATIENCE_SECONDS, Installation
from benchmarks.flows import waiting_flow
from benchmarks.servers import servers

FLOWS = 10
LONG_MS = 3_600_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    given = parser.parse_args()
    with servers() as shared:
        tested = Installation(
            "PostgreSQL", shared, shared.new_database("waiting"), 1, commands.workers(),
            extra={"MAX_EXECUTION_SECONDS": "86400"},
        )  # fmt: skip
        try:
            tested.start()
            _wait(
                tested, waiting_flow(given.steps // FLOWS, 1)
            )  # the same once without a wait: imports, caches
            before = tested.memory_mb()
            document = waiting_flow(given.steps // FLOWS, LONG_MS)
            document["name"] += " for long"
            executions = [tested.run_document(document) for _ in range(FLOWS)]
            for execution in executions:
                _until(tested, execution, "WAITING")
            after = tested.memory_mb()
        finally:
            tested.stop()
    print(
        f"{given.steps} steps wait: {after - before:.0f} MiB more than the {before:.0f} before (web server and workers)"
    )


def _wait(tested: Installation, document: dict[str, object]) -> None:
    for _ in range(FLOWS):
        _until(tested, tested.run_document(document), "SUCCESS")


def _until(tested: Installation, execution: str, status: str) -> None:
    """Wait until all steps of the execution have the status."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while {step["status"] for step in tested.shown(execution)["steps"]} != {status}:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all steps of {execution} are {status}")
        time.sleep(1)


if __name__ == "__main__":
    main()
