"""The flows that are run."""

from __future__ import annotations

from typing import Any


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
