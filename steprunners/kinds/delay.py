"""`delay`: waits, without holding a worker."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from pydantic import Field

from steprunners.config import StepConfig, StepResult
from steprunners.runner import Finished, Park, StepContext, StepRunner

MAX_DELAY_MS = 7 * 24 * 3_600_000


class DelayConfig(StepConfig):
    """How long to wait."""

    delay_ms: int = Field(ge=0, le=MAX_DELAY_MS, description="At most seven days.")


class DelayResult(StepResult):
    """How long the step really waited."""

    delayed_ms: int


class DelayRunner(StepRunner[DelayConfig, None]):
    """Parks until the time is over."""

    type = "delay"
    label = "Delay"
    description = "Waits for a time, without holding a worker."
    notes = "The wait survives a restart of the worker; a cancel ends it."
    result_class = DelayResult
    has_deadline = False
    repeatable = True
    example: ClassVar[dict[str, Any]] = {"name": "settle", "stepType": "delay", "meta": {"delayMs": 250}}

    def run(self, config: DelayConfig, context: StepContext[None]) -> Finished | Park:
        """Park until `delayMs` have passed since the first call; after an early call, for the rest."""
        now_ms = time.time_ns() // 1_000_000  # the wall clock, because the wait survives a restart
        state = context.state if isinstance(context.state, dict) else {}
        started_ms = state.get("startedMs", now_ms)
        passed_ms = max(0, now_ms - started_ms) if isinstance(started_ms, int) else 0
        if passed_ms >= config.delay_ms:
            return Finished({"delayedMs": passed_ms, "durationMs": passed_ms})
        return Park(config.delay_ms - passed_ms, {"startedMs": now_ms - passed_ms})
