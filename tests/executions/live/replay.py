"""What docs/live.md tells clients to do with an update."""

from __future__ import annotations

from typing import Any


def apply(shown: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """Put an update into an execution as a snapshot gave it."""
    steps = shown["steps"]
    if "stepUpdate" in update:
        changed = dict(update["stepUpdate"])
        identifier = changed.pop("stepId")
        steps = [changed if step["id"] == identifier else step for step in steps]
    return {**shown, **update.get("execution", {}), "steps": steps, "sequence": update["sequence"]}
