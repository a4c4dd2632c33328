"""One attempt of a step, and what comes next: pure, with no clock, database or queue of its own.

`advance` carries a step as far as it goes in one sitting: it runs an attempt (references → config → call under a
deadline → assertions → extract), and decides with `next_wait` whether the step has ended or has to wait. A `forEach`
goes through its items in the same way. What has to survive a wait is in `Progress`, which is JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from steprunners.assertions import Assertion, evaluate_all
from steprunners.attempts import (
    ERROR,
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
from steprunners.base import (
    BadConfig,
    BadReference,
    Finished,
    Outcome,
    Park,
    RunChild,
    StepConfig,
    StepContext,
    StepError,
    StepRunner,
    TakeBranch,
)
from steprunners.conditions import ConditionError, evaluate_condition
from steprunners.effort import Stopped, working
from steprunners.envelope import StepEnvelope, timeout_ms_of
from steprunners.given_up import as_step_error
from steprunners.json_types import Json
from steprunners.masking import texts_of
from steprunners.pacing import after_wait, next_wait
from steprunners.paths import PathError, read_result
from steprunners.problems import kind_of
from steprunners.references import ReferenceProblem, Scope, resolve_tracked

logger = logging.getLogger(__name__)

#: Steps that only wait have no deadline; this is longer than any of them waits (`delay`: 7 days).
LONGEST_WAIT_SECONDS = 30 * 86_400.0

#: A `forEach` that has been at it for so long rests, so that what it has done is stored and seen.
SITTING_MS = 2_000


@dataclass(frozen=True)
class Work:
    """A step with all that an attempt needs.

    `make_context` gets the valid config, the seconds until the deadline, and the scope (an item's in a `forEach`).
    """

    step: StepEnvelope
    runner: StepRunner[Any]
    scope: Scope
    now_ms: Callable[[], int]
    make_context: Callable[[StepConfig, float, Scope], StepContext]


def advance(
    work: Work, progress: Progress, record: Callable[[Attempt], None], answer: Answer | None = None
) -> Move:
    """Carry the step on from `progress` until it ends or has to wait.

    `record` is called with every attempt but the last; `answer` is the result of the branch or child it waited for.
    """
    if work.step.for_each is None:
        return _advance_one(work, progress, answer)
    return _advance_items(work, progress, record, answer)


@as_step_error()
@working()
def is_wanted(work: Work) -> bool:
    """Return what the step's `when` says; raise BadReference where it cannot be told."""
    if work.step.when is None:
        return True
    try:
        return evaluate_condition(work.step.when, work.scope)
    except (ConditionError, ReferenceProblem) as problem:
        raise BadReference(f"when: {problem}") from problem


# --- forEach --------------------------------------------------------------------------------------


def _advance_items(
    work: Work, progress: Progress, record: Callable[[Attempt], None], answer: Answer | None
) -> Move:
    begun_ms = work.now_ms()
    try:
        items = _items_of(work)
    except StepError as error:
        return Ended(broken(error, begun_ms, work.now_ms()))
    last: Attempt | None = None
    while progress.item < len(items):
        scope = replace(work.scope, item=items[progress.item], index=progress.item)
        move = _advance_one(replace(work, scope=scope), progress, answer)
        answer = None
        if last is not None:
            record(last)
        if not isinstance(move, Ended):
            return _with_item(move, progress.item)
        attempt = last = replace(move.attempt, item=progress.item)
        progress = progress.next_item(attempt)
        if attempt.status != SUCCESS:
            break
        if progress.item < len(items) and work.now_ms() - begun_ms >= SITTING_MS:
            return Waiting(0, progress, attempt)
    return Ended(_summary(last, progress, begun_ms, work.now_ms()))


@as_step_error()
@working()
def _items_of(work: Work) -> list[Json]:
    try:
        items = resolve_tracked(work.step.for_each, work.scope).value
    except ReferenceProblem as problem:
        raise BadReference(f"forEach: {problem}") from problem
    if not isinstance(items, list):
        raise BadReference(f"forEach needs a list, and {work.step.for_each} is {kind_of(items)}")
    return items


def _with_item(move: Move, item: int) -> Move:
    if isinstance(move, Waiting) and move.attempt is not None:
        return replace(move, attempt=replace(move.attempt, item=item))
    return move


def _summary(last: Attempt | None, progress: Progress, begun_ms: int, now_ms: int) -> Attempt:
    """Return the last item's attempt with the result of all items in place of its own."""
    ended = last or Attempt(status=SUCCESS, started_ms=begun_ms, completed_ms=now_ms)
    result: dict[str, Json] = {"items": progress.items, "count": len(progress.items)}
    result["durationMs"] = sum(_duration_of(item) for item in progress.items)
    return replace(ended, result=result, extracted=progress.extracted)


def _duration_of(result: Json) -> int:
    duration = result.get("durationMs") if isinstance(result, dict) else None
    return duration if isinstance(duration, int) else 0


# --- one item or step -----------------------------------------------------------------------------


def _advance_one(work: Work, progress: Progress, answer: Answer | None) -> Move:
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
    request, config, derived = _configure(work)
    learned: set[str] = set(derived)
    try:
        outcome = Finished(answer.result) if answer else _call(work, config, progress, started_ms, learned)
    except StepError as error:
        return replace(broken(error, started_ms, work.now_ms()), request=request, derived=frozenset(learned))
    if isinstance(outcome, Park):
        return Waiting(outcome.delay_ms, replace(progress, park=outcome.state), watch=outcome.watch)
    if isinstance(outcome, TakeBranch | RunChild):
        return Delegated(request, progress, outcome)
    try:
        judged = _judge(work, config, outcome.result, started_ms)
    except StepError as error:
        judged = replace(broken(error, started_ms, work.now_ms()), result=outcome.result)
    if answer and answer.failure and judged.status == SUCCESS:
        problem = {"code": "branch_failed", "message": answer.failure}
        judged = replace(judged, status=FAILED, error=problem, extracted={})
    learned |= _secrets_in(work.step, judged.result)
    return replace(judged, request=request, derived=frozenset(learned), session=outcome.session)


@as_step_error()
def _call(work: Work, config: StepConfig, progress: Progress, started_ms: int, learned: set[str]) -> Outcome:
    context = work.make_context(config, _seconds_left(work, started_ms), work.scope)
    context.state, context.origin = progress.park, progress.origin
    try:
        outcome: Outcome = work.runner.run(config, context)
    except (StepError, Stopped):
        raise
    except Exception as error:  # a runner's bug must end the step, not the worker
        logger.exception("step type %s failed unexpectedly", work.runner.type)
        raise StepError(
            f"unexpected {type(error).__name__} in the step type", code="internal_error"
        ) from error
    finally:
        learned |= context.learned_secrets
        progress.origin = context.origin
    return outcome


def _seconds_left(work: Work, started_ms: int) -> float:
    if not work.runner.has_deadline:
        return LONGEST_WAIT_SECONDS
    used_ms = work.now_ms() - started_ms  # parked time counts
    return max(0.0, (timeout_ms_of(work.step) - used_ms) / 1000)


@as_step_error()
@working()
def _configure(work: Work) -> tuple[Json, StepConfig, frozenset[str]]:
    """Return the resolved meta with secrets masked, the config made from it, and the texts derived from secrets."""
    meta, kind = work.step.meta, work.runner.config_class
    own = {key: value for key, value in meta.items() if key in kind.unresolved}
    others = {key: value for key, value in meta.items() if key not in own}
    try:
        resolved = resolve_tracked(others, work.scope, lambda path, _whole: kind.grammar_of(path, meta))
    except ReferenceProblem as problem:
        raise BadReference(f"{_place(problem)}{problem.message}") from problem
    try:
        config = kind.model_validate(_joined(resolved.value, own))
    except ValidationError as error:
        raise BadConfig(_first_problem(error)) from error
    return _joined(resolved.masked, own), config, frozenset(resolved.derived_secrets)


def _joined(resolved: Json, own: dict[str, Json]) -> dict[str, Json]:
    return {**resolved, **own} if isinstance(resolved, dict) else own


def _place(problem: ReferenceProblem) -> str:
    return "meta." + ".".join(map(str, problem.path)) + ": " if problem.path else ""


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"meta.{'.'.join(map(str, first['loc']))}: {first['msg']}"


# --- assertions and extract -----------------------------------------------------------------------


@as_step_error()
@working()
def _judge(work: Work, config: StepConfig, result: dict[str, Json], started_ms: int) -> Attempt:
    return _judged(work, config, result, started_ms)


def _judged(work: Work, config: StepConfig, result: dict[str, Json], started_ms: int) -> Attempt:
    now_ms = work.now_ms()
    result = {**result, "durationMs": result.get("durationMs", now_ms - started_ms)}
    given = [_resolved(assertion, work.scope) for assertion in work.step.assertions]
    implied = work.runner.expectations(config, frozenset(assertion.field for assertion in given))
    outcomes = evaluate_all([*implied, *given], result)
    status = SUCCESS if all(outcome.passed for outcome in outcomes) else FAILED
    final = status == FAILED and _can_no_longer_hold(work, result)
    extracted, error = _extracted(work.step, status, result)
    return Attempt(
        status=ERROR if error else status,
        started_ms=started_ms,
        completed_ms=now_ms,
        result=result,
        assertions=[outcome.to_json() for outcome in outcomes],
        error=error,
        extracted=extracted,
        final=final,
    )


def _can_no_longer_hold(work: Work, result: dict[str, Json]) -> bool:
    if work.step.until is None or not work.step.until.fail_if:
        return False
    rules = [_resolved(assertion, work.scope) for assertion in work.step.until.fail_if]
    return any(outcome.passed for outcome in evaluate_all(rules, result))


def _resolved(assertion: Assertion, scope: Scope) -> Assertion:
    """Return the assertion with the references in its expected value resolved."""
    if not assertion.holds_reference:
        return assertion
    wire = assertion.model_dump(by_alias=True, exclude_unset=True)
    try:
        return Assertion.model_validate(resolve_tracked(wire, scope).value)
    except ReferenceProblem as problem:
        raise BadReference(f"assertion on {assertion.field}: {problem.message}") from problem
    except ValidationError as error:
        raise BadConfig(f"assertion on {assertion.field}: {_first_problem(error)}") from error


def _extracted(
    step: StepEnvelope, status: str, result: Json
) -> tuple[dict[str, Json], dict[str, str] | None]:
    """Return what the step extracts, and the error where it succeeded and one of the values is not there."""
    extracted: dict[str, Json] = {}
    for name, extraction in step.extract.items():
        try:
            extracted[name] = read_result(result, extraction.path)
        except PathError as problem:
            if status != SUCCESS:
                continue
            message = f"extract.{name}: the result has no value at {extraction.path} ({problem})"
            return {}, {"code": "extract_failed", "message": message}
    return extracted, None


@as_step_error()
@working()
def _secrets_in(step: StepEnvelope, result: Json) -> set[str]:
    """Return the texts at the places of secret extracts: secret from now on, however the attempt ended."""
    found: set[str] = set()
    for extraction in step.extract.values():
        if extraction.secret:
            with suppress(PathError):  # nothing is there
                found.update(texts_of(read_result(result, extraction.path)))
    return found
