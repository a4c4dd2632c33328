"""A cache of the steps that ended in this process lately: the next step mostly refers to them, and saves a query.

A terminal step never changes, so a cached step is what the database holds.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable

from executions.models import ExecutionStep

#: The most steps that are kept, and the most characters that the results of one may have.
MOST, LONGEST = 500, 16_384


class EndedSteps:
    """The newest ended steps, by execution and position."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._steps: OrderedDict[tuple[uuid.UUID, int], ExecutionStep] = OrderedDict()

    def keep(self, step: ExecutionStep, length: int) -> None:
        """Keep a step whose end is committed; `length` is the number of characters of its results."""
        if length > LONGEST:
            return
        with self._lock:
            self._steps[step.execution_id, step.position] = step
            if len(self._steps) > MOST:
                self._steps.popitem(last=False)

    def find(self, execution_id: uuid.UUID, positions: Iterable[int]) -> dict[int, ExecutionStep]:
        """Return the cached steps by position."""
        with self._lock:
            found = ((position, self._steps.get((execution_id, position))) for position in positions)
            return {position: step for position, step in found if step is not None}


ended_steps = EndedSteps()
