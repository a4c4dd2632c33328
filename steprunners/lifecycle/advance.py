"""One attempt of a step, and what comes next: pure, with no clock, database or queue of its own.

`advance` carries a step as far as it goes in one sitting: it runs an attempt (references → config → call under a
deadline → assertions → extract), and decides with `next_wait` whether the step has ended or has to wait. A `forEach`
goes through its items in the same way. What has to survive a wait is in `Progress`, which is JSON.
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
    """Carry the step on from `progress` until it ends or has to wait.

    `record` is called with every attempt but the last; `answer` is the result of the branch or child it waited for.
    """
    with hiding(work.known_secrets):
        if work.step.for_each is None:
            return advance_one(work, progress, answer)
        return advance_items(work, progress, record, answer)


@as_step_work
def is_wanted(work: Work) -> bool:
    """Return what the step's `when` says; raise BadReference where it cannot be told."""
    if work.step.when is None:
        return True
    try:
        with hiding(work.known_secrets):
            return evaluate_condition(work.step.when, work.scope)
    except (ConditionError, ReferenceProblem) as problem:
        raise BadReference(f"when: {problem}") from problem
