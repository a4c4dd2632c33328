"""What a scenario does and when: drawn from a seed, so that a run that failed can be made again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any


class Fault(StrEnum):
    """What can be done to an installation."""

    KILL = auto()  # SIGKILL of a worker, which starts again a moment later
    FREEZE = auto()  # SIGSTOP of a worker for longer than its lease
    WIPE = auto()  # FLUSHALL of the broker
    RESTART_BROKER = auto()
    CUT_BROKER = auto()  # every connection between workers and broker ends with RST
    CUT_DATABASE = auto()  # every connection between workers and database ends with RST
    LOSE_ANSWER = auto()  # the database carries out the end of a step, and its answer never arrives
    LOSE_QUESTION = auto()  # the end of a step never arrives at the database


@dataclass(frozen=True)
class Plan:
    """So many `runs`, posted evenly over `seconds`, and the faults with the second at which each happens."""

    seed: int
    runs: int
    seconds: float
    faults: tuple[tuple[float, Fault], ...]


def plan(seed: int, *, runs: int, seconds: float, **counts: int) -> Plan:
    """Spread so many faults of each kind (`kill=10, wipe=2`) over the time, a wipe never where nothing runs yet."""
    drawn = random.Random(seed)
    faults = [
        (drawn.uniform(0.1, 1.0) * seconds, Fault(name))
        for name, count in counts.items()
        for _ in range(count)
    ]
    return Plan(seed, runs, seconds, tuple(sorted(faults)))


def flows(seed: int, base_url: str, count: int = 6) -> list[dict[str, Any]]:
    """Return flows of four steps in a drawn order: an unsafe call, a safe one, one in the background, a wait."""
    drawn = random.Random(seed)
    return [
        {
            "name": f"Faults {seed}.{index}",
            "variables": [{"name": "base_url", "type": "string", "defaultValue": base_url}],
            "steps": _steps(drawn),
        }
        for index in range(count)
    ]


def lasting(base_url: str, seconds: int) -> dict[str, Any]:
    """Return a flow of one unsafe call, which lasts so long."""
    return {"name": f"{seconds} seconds", "steps": [_call("unsafe", base_url, seconds * 1_000)]}


def _steps(drawn: random.Random) -> list[dict[str, Any]]:
    retry = {"maxRetries": 5, "initialDelayMs": 200, "maxDelayMs": 1_000}
    steps = [
        _call("unsafe", "${base_url}", drawn.randint(20, 1_500)),
        _call("safe", "${base_url}", drawn.randint(20, 1_500)) | {"retry": retry},
        _call("beside", "${base_url}", drawn.randint(20, 1_500)) | {"retry": retry, "runInBackground": True},
        {"name": "parked", "stepType": "delay", "meta": {"delayMs": drawn.randint(500, 4_000)}},
    ]
    drawn.shuffle(steps)
    return steps


def _call(name: str, base_url: str, ms: int) -> dict[str, Any]:
    url = f"{base_url}/effect?key=${{execution.id}}.{name}&ms={ms}"
    return {"name": name, "stepType": "http", "meta": {"method": "POST", "url": url}}
