"""The flows that are run."""

from __future__ import annotations

from typing import Any


def slow_flow(after_ms: int, target_url: str) -> dict[str, Any]:
    """Return a flow of one call that is answered so many milliseconds later."""
    step = {"name": "slow", "stepType": "http", "meta": {"url": f"{target_url}/after/{after_ms}"}}
    return {"name": f"answered after {after_ms} ms", "steps": [step]}


def waiting_flow(steps: int, delay_ms: int) -> dict[str, Any]:
    """Return a flow of steps that all wait at the same time."""
    waits = [
        {
            "name": f"wait_{number}",
            "stepType": "delay",
            "meta": {"delayMs": delay_ms},
            "runInBackground": True,
        }
        for number in range(steps)
    ]
    return {"name": f"{steps} waits", "steps": waits}


def ticking_flow(steps: int, pause_ms: int) -> dict[str, Any]:
    """Return a flow of short waits, one after the other."""
    ticks = [
        {"name": f"tick_{number}", "stepType": "delay", "meta": {"delayMs": pause_ms}}
        for number in range(steps)
    ]
    return {"name": f"{steps} ticks", "steps": ticks}


def chained_flow(steps: int, target_url: str) -> dict[str, Any]:
    """Return a flow of HTTP calls, each of which uses a value of the one before and passes one on."""
    return {
        "name": f"{steps} steps",
        "variables": [
            {"name": "base_url", "type": "string", "defaultValue": target_url},
            {"name": "order_0", "type": "integer", "defaultValue": 42},
        ],
        "steps": [
            {
                "name": f"step_{number}",
                "stepType": "http",
                "meta": {"url": f"${{base_url}}/orders/${{order_{number - 1}}}"},
                "assertions": [{"field": "body.status", "operator": "equals", "expectedValue": "FULFILLED"}],
                "extract": {f"order_{number}": "body.id"},
            }
            for number in range(1, steps + 1)
        ],
    }
