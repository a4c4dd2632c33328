"""Two executions side by side."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

from executions.models import Execution, ExecutionStep
from executions.presentation import execution_json, step_json
from executions.reports.differences import differences
from steprunners.budgets.effort import working

#: Keys that differ in every run and mean nothing, and the text of what is compared by its parts.
_NOT_COMPARED = frozenset({"durationMs", "executionTimeMs", "bodyText", "valueText"})

Side = tuple[Execution, list[ExecutionStep]]


@working(processor=inf)
def compare(left: Side, right: Side) -> dict[str, Any]:
    """Return both executions and their steps in pairs.

    A pair has `statusChanged`, `durationChangeMs` and the `differences` of the responses; a step that only one side
    has is paired with null. `differences` is null where a response is missing or too large to be shown.
    """
    return {
        "left": execution_json(left[0]),
        "right": execution_json(right[0]),
        "steps": [_pair(old, new) for old, new in _pairs(left[1], right[1])],
    }


def _pairs(
    left: list[ExecutionStep], right: list[ExecutionStep]
) -> Iterable[tuple[ExecutionStep | None, ExecutionStep | None]]:
    """Pair steps by their id in the flow, which survives renaming, else by name; in the order of the right side."""
    by_id = {step.flow_step_id: step for step in left}
    by_name = {step.name: step for step in left}
    paired = set()
    for new in right:
        old = by_id.get(new.flow_step_id) or by_name.get(new.name)
        if old is not None and old.pk not in paired:
            paired.add(old.pk)
            yield old, new
        else:
            yield None, new
    yield from ((old, None) for old in left if old.pk not in paired)


def _pair(old: ExecutionStep | None, new: ExecutionStep | None) -> dict[str, Any]:
    left, right = (None if step is None else step_json(step) for step in (old, new))
    return {
        "name": (right or left or {})["name"],
        "left": _summary(left),
        "right": _summary(right),
        "statusChanged": (left or {}).get("status") != (right or {}).get("status"),
        "durationChangeMs": _duration_change(left, right),
        "differences": _differences(left, right),
    }


def _summary(step: dict[str, Any] | None) -> dict[str, Any] | None:
    if step is None:
        return None
    shown = ("id", "name", "stepType", "status", "attempts", "durationMs", "responseOmitted", "error")
    return {key: step[key] for key in shown}


def _duration_change(left: dict[str, Any] | None, right: dict[str, Any] | None) -> int | None:
    before, after = ((step or {}).get("durationMs") for step in (left, right))
    return None if before is None or after is None else after - before


def _differences(left: dict[str, Any] | None, right: dict[str, Any] | None) -> list[dict[str, Any]] | None:
    if left is None or right is None or left["response"] is None or right["response"] is None:
        return None
    return differences(_comparable(left["response"]), _comparable(right["response"]))


def _comparable(response: Any) -> Any:
    """Return the response without the keys that are not compared, also those of the items or messages in it."""
    if not isinstance(response, dict):
        return response
    kept = {key: value for key, value in response.items() if key not in _NOT_COMPARED}
    return kept | {
        name: [_comparable(each) for each in kept[name]]
        for name in ("items", "messages")
        if isinstance(kept.get(name), list)
    }
