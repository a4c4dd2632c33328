"""Advances a step, or one item of a `forEach`, by one attempt."""

from __future__ import annotations

from dataclasses import replace

from steprunners.errors import StepError
from steprunners.lifecycle.attempts import (
    FAILED,
    SUCCESS,
    Answer,
    Attempt,
    Delegated,
    Ended,
    Move,
    Progress,
    Waiting,
    broken,
)
from steprunners.lifecycle.call import call, prepare, with_extract_paths
from steprunners.lifecycle.judge import Judged, judge
from steprunners.lifecycle.learn_secrets import learn
from steprunners.lifecycle.waits import after_wait, next_wait
from steprunners.lifecycle.work import Work
from steprunners.runner import Finished, Park, RunChild, TakeBranch


def advance_one(work: Work, progress: Progress, answer: Answer | None) -> Move:
    """Run one attempt; return how the step ended, or what it waits for."""
    started_ms = progress.attempt_started_ms or work.now_ms()
    progress = replace(progress, attempt_started_ms=started_ms)
    if work.step.until is not None and progress.until_ends_ms is None:
        progress = replace(progress, until_ends_ms=started_ms + work.step.until.timeout_ms)
    try:
        outcome = _attempt(work, progress, answer)
    except StepError as error:
        outcome = broken(error, started_ms, work.now_ms())
    if not isinstance(outcome, Attempt):
        return outcome
    attempt = replace(outcome, waited_ms=progress.waited_ms) if progress.waited_ms else outcome
    delay_ms = next_wait(work.step, attempt, progress, work.now_ms())
    if delay_ms is None:
        return Ended(attempt)
    return Waiting(delay_ms, after_wait(work.step, attempt, progress, delay_ms), attempt)


def _attempt(work: Work, progress: Progress, answer: Answer | None) -> Attempt | Waiting | Delegated:
    started_ms = progress.attempt_started_ms or work.now_ms()
    prepared = prepare(work)
    work = with_extract_paths(work)
    try:
        outcome = Finished(answer.result) if answer else call(work, prepared, progress, started_ms)
    except StepError as error:
        learn(work, error.result)
        return replace(broken(error, started_ms, work.now_ms()), request=prepared.request)
    if isinstance(outcome, Park):
        return Waiting(outcome.delay_ms, replace(progress, park=outcome.state), watch=outcome.watch)
    if isinstance(outcome, TakeBranch | RunChild):
        return Delegated(prepared.request, progress, outcome)
    try:
        # The secrets in the result must be known before a message about it is written.
        shown = learn(work, outcome.result, answer.shown if answer else None)
    except StepError as error:  # the secrets are not known, so nothing of the result is stored
        return replace(broken(error, started_ms, work.now_ms()), request=prepared.request)
    try:
        judged = judge(work, prepared.config, Judged(outcome.result, shown), started_ms)
    except StepError as error:
        judged = replace(broken(error, started_ms, work.now_ms()), result=outcome.result, shown=shown)
    if answer and answer.failure and judged.status == SUCCESS:
        problem = {"code": "branch_failed", "message": answer.failure}
        judged = replace(judged, status=FAILED, error=problem, extracted={})
    return replace(judged, request=prepared.request)
