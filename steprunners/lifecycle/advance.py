"""One attempt of a step, and what comes next: pure, without a clock, database or queue of its own.

`advance` runs a step until it ends or has to wait. It runs an attempt (references → config → call with a deadline →
assertions → extract), and `next_wait` decides whether the step has ended or waits. A `forEach` runs its items in the
same way. `Progress`, which is JSON, holds everything that must survive a wait.
"""

from __future__ import annotations

from collections.abc import Callable

from steprunners.assertions.conditions import ConditionError, evaluate_condition
from steprunners.budgets.step_errors import as_step_work
from steprunners.errors import BadReference
from steprunners.lifecycle.advance_one import advance_one
from steprunners.lifecycle.attempts import Answer, Attempt, Move, Progress
from steprunners.lifecycle.for_each import advance_items
from steprunners.lifecycle.work import Work
from steprunners.masking.known_secrets import hiding
from steprunners.references.resolution import ReferenceProblem


def advance(
    work: Work, progress: Progress, record: Callable[[Attempt], None], answer: Answer | None = None
) -> Move:
    """Run the step from `progress` on until it ends or has to wait.

    `record` is called with every attempt except the last. `answer` is how the branch or child that it waited for ended.
    """
    with hiding(work.known_secrets):
        if work.step.for_each is None:
            return advance_one(work, progress, answer)
        return advance_items(work, progress, record, answer)


@as_step_work
def is_wanted(work: Work) -> bool:
    """Return whether the step's `when` holds; raise BadReference where it cannot be evaluated."""
    if work.step.when is None:
        return True
    try:
        with hiding(work.known_secrets):
            return evaluate_condition(work.step.when, work.scope)
    except (ConditionError, ReferenceProblem) as problem:
        raise BadReference(f"when: {problem}") from problem
