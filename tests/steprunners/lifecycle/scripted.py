"""A step type that does what the test says, and a bench that carries a step on from wait to wait."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from steprunners.config import StepConfig, StepResult
from steprunners.deadline import Cancellation, Deadline
from steprunners.documents.envelope import StepEnvelope
from steprunners.errors import ConnectionFailed
from steprunners.lifecycle.advance import advance
from steprunners.lifecycle.attempts import Answer, Attempt, Delegated, Ended, Move, Progress, Waiting
from steprunners.lifecycle.work import Work
from steprunners.network import NetworkPolicy
from steprunners.references.resolution import Scope
from steprunners.runner import (
    ExecutionFacts,
    Finished,
    Outcome,
    StepContext,
    StepRunner,
)

NOW = 1_700_000_000_000


class ScriptedConfig(StepConfig):
    """Any value."""

    value: Any = None


class Scripted(StepRunner[ScriptedConfig, None]):
    """Gives one outcome after the other (the last for ever); an exception is raised."""

    type = "scripted"
    label = description = "Scripted"
    result_class = StepResult
    example: ClassVar[dict[str, Any]] = {}

    def __init__(self, outcomes: Sequence[Outcome | Exception]) -> None:
        self.outcomes = list(outcomes)
        self.configs: list[Any] = []
        self.contexts: list[StepContext[Any]] = []

    def run(self, config: ScriptedConfig, context: StepContext[Any]) -> Outcome:
        self.configs.append(config.value)
        self.contexts.append(context)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class SevenDays(Scripted):
    """Has no deadline, as a delay."""

    has_deadline = False


@dataclass
class Bench:
    """A step with a clock that the test moves, carried on from wait to wait."""

    work: Work
    runner: Scripted
    now_ms: int = NOW
    waits: list[int] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)

    def advance(self, answer: Answer | None = None) -> Move:
        """Advance once, with the progress as it comes back from storage."""
        stored = json.loads(json.dumps(self.progress.to_json()))
        move = advance(self.work, Progress.from_json(stored), self.attempts.append, answer)
        if isinstance(move, Waiting | Delegated):
            self.progress = move.progress
        if isinstance(move, Waiting) and move.attempt is not None:
            self.attempts.append(move.attempt)
        return move

    def finish(self, most: int = 1_000) -> Attempt:
        """Go on, the clock moving by each wait, until the step has ended."""
        for _ in range(most):
            move = self.advance()
            if isinstance(move, Ended):
                self.attempts.append(move.attempt)
                return move.attempt
            assert isinstance(move, Waiting)
            self.waits.append(move.delay_ms)
            self.now_ms += move.delay_ms
        raise AssertionError(f"still going on after {most} waits")


def bench(
    *outcomes: Outcome | Exception,
    runner: type[Scripted] = Scripted,
    variables: Mapping[str, Any] | None = None,
    **step: Any,
) -> Bench:
    scripted = runner(outcomes)
    envelope = StepEnvelope.model_validate({"name": "step", "stepType": "scripted", **step})
    made: list[Bench] = []

    def context(config: StepConfig, seconds: float, scope: Scope) -> StepContext[Any]:
        facts, known = ExecutionFacts("e", NOW), made[0].work.known_secrets
        return StepContext(Deadline(seconds), Cancellation(), NetworkPolicy(), facts, known_secrets=known)

    scope = Scope(variables=dict(variables or {}))
    work = Work(envelope, scripted, scope, lambda: made[0].now_ms, context)
    made.append(Bench(work, scripted))
    return made[0]


GOOD, BAD = Finished({"n": 1}), Finished({"n": 0})


HOLDS = [{"field": "n", "operator": "equals", "expectedValue": 1}]


LOST = ConnectionFailed("no")
